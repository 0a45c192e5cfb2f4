package main

import (
	"context"
	"time"
	_ "unsafe" // for go:linkname

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/testing"
	"k8s.io/client-go/tools/record"
	"k8s.io/kubernetes/pkg/controller/history"
	"k8s.io/kubernetes/pkg/controller/statefulset"
	"k8s.io/kubernetes/pkg/controller/util/consistency"
)

//go:linkname newRevision k8s.io/kubernetes/pkg/controller/statefulset.newRevision
func newRevision(*appsv1.StatefulSet, int64, *int32) (*appsv1.ControllerRevision, error)

// The revisions' names in the manifests, in order; each has the image web:NAME.
var revisions = []string{"r1", "r2"}

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC) // now

// syncStateful lets the StatefulSet's controller look once at a set and its Pods; the answer is what it does.
func syncStateful(world *World) []string {
	ctx, set := context.Background(), world.StatefulSets[0]
	client := fake.NewSimpleClientset(set)
	for _, pod := range world.Pods {
		must(client.Tracker().Add(pod))
	}
	client.ClearActions()
	factory := informers.NewSharedInformerFactory(client, 0)
	pods, sets := factory.Core().V1().Pods(), factory.Apps().V1().StatefulSets()
	must(sets.Informer().GetStore().Add(set))
	past := history.NewFakeHistory(factory.Apps().V1().ControllerRevisions())
	names, known := map[string]string{}, map[string]string{}
	for i, name := range revisions {
		other := set.DeepCopy()
		other.Spec.Template.Spec.Containers[0].Image = "web:" + name
		revision, err := newRevision(other, int64(i+1), new(int32))
		must(err)
		revision, err = past.CreateControllerRevision(set, revision, new(int32))
		must(err)
		names[name], known[revision.Name] = revision.Name, name
	}
	set.Status.CurrentRevision = names[set.Status.CurrentRevision]
	for _, pod := range world.Pods {
		pod.Labels[appsv1.StatefulSetRevisionLabel] = names[pod.Labels[appsv1.StatefulSetRevisionLabel]]
		must(pods.Informer().GetStore().Add(pod))
	}
	seen := consistency.NewNoopConsistencyStore()
	recorder := record.NewFakeRecorder(1000)
	claims := factory.Core().V1().PersistentVolumeClaims().Lister()
	control := statefulset.NewDefaultStatefulSetControl(
		statefulset.NewStatefulPodControl(client, pods.Lister(), claims, recorder, seen),
		statefulset.NewRealStatefulSetStatusUpdater(client, sets.Lister(), seen), past)
	_, err := control.UpdateStatefulSet(ctx, set, world.Pods, noon)
	must(err)
	found := []string{}
	for _, action := range client.Actions() {
		if action.GetResource().Resource != "pods" {
			continue
		}
		switch it := action.(type) {
		case testing.DeleteAction:
			found = append(found, "delete "+it.GetName())
		case testing.CreateAction:
			pod := it.GetObject().(*v1.Pod)
			if action.GetVerb() == "create" {
				found = append(found, "create "+pod.Name+" "+known[pod.Labels[appsv1.StatefulSetRevisionLabel]])
			}
		}
	}
	return found
}
