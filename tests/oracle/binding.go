package main

import (
	"context"
	"strconv"
	"strings"
	"sync/atomic"
	_ "unsafe" // for go:linkname

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/testing"
	pv "k8s.io/kubernetes/pkg/controller/volume/persistentvolume"
	"k8s.io/kubernetes/pkg/volume/util"
)

//go:linkname updateVolume k8s.io/kubernetes/pkg/controller/volume/persistentvolume.(*PersistentVolumeController).updateVolume
func updateVolume(*pv.PersistentVolumeController, context.Context, *v1.PersistentVolume)

//go:linkname updateClaim k8s.io/kubernetes/pkg/controller/volume/persistentvolume.(*PersistentVolumeController).updateClaim
func updateClaim(*pv.PersistentVolumeController, context.Context, *v1.PersistentVolumeClaim)

const rounds = 3 // an update a round at most; a bind takes one

// bind lets the volume controller see all volumes, then the claims one after the other, each time until all is quiet.
func bind(world *World) map[string]*string {
	ctx := context.Background()
	client := fake.NewSimpleClientset()
	var version atomic.Int64
	client.PrependReactor("*", "*", func(action testing.Action) (bool, runtime.Object, error) {
		if update, ok := action.(testing.UpdateAction); ok { // a create, too, is one
			about, err := meta.Accessor(update.GetObject())
			must(err)
			about.SetResourceVersion(strconv.FormatInt(version.Add(1), 10))
		}
		return false, nil, nil
	})
	factory := informers.NewSharedInformerFactory(client, 0)
	classes := factory.Storage().V1().StorageClasses()
	for _, class := range world.Classes {
		must(classes.Informer().GetStore().Add(class))
	}
	controller, err := pv.NewController(ctx, pv.ControllerParameters{
		KubeClient: client, VolumeInformer: factory.Core().V1().PersistentVolumes(),
		ClaimInformer: factory.Core().V1().PersistentVolumeClaims(), ClassInformer: classes,
		PodInformer: factory.Core().V1().Pods(), NodeInformer: factory.Core().V1().Nodes(),
		EnableDynamicProvisioning: true,
	})
	must(err)
	sync := func() {
		volumes, err := client.CoreV1().PersistentVolumes().List(ctx, metav1.ListOptions{})
		must(err)
		for i := range volumes.Items {
			updateVolume(controller, ctx, &volumes.Items[i])
		}
		claims, err := client.CoreV1().PersistentVolumeClaims("").List(ctx, metav1.ListOptions{})
		must(err)
		for i := range claims.Items {
			updateClaim(controller, ctx, &claims.Items[i])
		}
	}
	for _, each := range world.Volumes {
		volume, err := client.CoreV1().PersistentVolumes().Create(ctx, each, metav1.CreateOptions{})
		must(err)
		updateVolume(controller, ctx, volume.DeepCopy())
	}
	sync()
	names := map[string]int{}
	for _, claim := range world.Claims {
		names[claim.Name]++
		class, err := util.GetDefaultClass(classes.Lister())
		must(err)
		if class != nil && isNew(claim) && !hasClass(claim) { // plugin/pkg/admission/storage/storageclass/setdefault
			claim.Spec.StorageClassName = &class.Name
		}
		made, err := client.CoreV1().PersistentVolumeClaims(claim.Namespace).Create(ctx, claim, metav1.CreateOptions{})
		must(err)
		updateClaim(controller, ctx, made.DeepCopy())
		for range rounds {
			sync()
		}
	}
	bound := map[string]*string{}
	for _, claim := range world.Claims {
		name := claim.Name
		if names[name] > 1 {
			name = claim.Namespace + "/" + name
		}
		now, err := client.CoreV1().PersistentVolumeClaims(claim.Namespace).Get(ctx, claim.Name, metav1.GetOptions{})
		must(err)
		bound[name] = nil
		if now.Status.Phase == v1.ClaimBound {
			bound[name] = &now.Spec.VolumeName
		}
	}
	return bound
}

// isNew tells a claim that is created from one that the API server held before.
func isNew(claim *v1.PersistentVolumeClaim) bool {
	return strings.HasPrefix(string(claim.UID), made)
}

// hasClass is PersistentVolumeClaimHasClass (pkg/apis/core/v1/helper).
func hasClass(claim *v1.PersistentVolumeClaim) bool {
	_, beta := claim.Annotations[v1.BetaStorageClassAnnotation]
	return beta || claim.Spec.StorageClassName != nil
}
