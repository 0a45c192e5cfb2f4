package main

import (
	"context"
	"strings"
	_ "unsafe" // for go:linkname

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/kubernetes/pkg/controller/deployment"
)

//go:linkname syncDeployment k8s.io/kubernetes/pkg/controller/deployment.(*DeploymentController).syncDeployment
func syncDeployment(*deployment.DeploymentController, context.Context, string) error

const newSet = "new" // the name of a ReplicaSet that the controller makes

// rollOut lets the Deployment controller look once at a Deployment and its ReplicaSets; the answer is their sizes then,
// those that are deleted left out.
func rollOut(world *World) map[string]int32 {
	ctx := context.Background()
	var objects []runtime.Object
	for _, each := range world.Deployments {
		objects = append(objects, each)
	}
	for _, each := range world.ReplicaSets {
		objects = append(objects, each)
	}
	client := fake.NewSimpleClientset(objects...)
	factory := informers.NewSharedInformerFactory(client, 0)
	deployments, sets := factory.Apps().V1().Deployments(), factory.Apps().V1().ReplicaSets()
	controller, err := deployment.NewDeploymentController(ctx, deployments, sets, factory.Core().V1().Pods(), client)
	must(err)
	for _, each := range world.Deployments {
		must(deployments.Informer().GetStore().Add(each))
	}
	for _, each := range world.ReplicaSets {
		must(sets.Informer().GetStore().Add(each))
	}
	for _, each := range world.Deployments {
		must(syncDeployment(controller, ctx, each.Namespace+"/"+each.Name))
	}
	found := map[string]int32{}
	now, err := client.AppsV1().ReplicaSets("").List(ctx, metav1.ListOptions{})
	must(err)
	for _, each := range now.Items {
		found[nameOf(&each)] = *each.Spec.Replicas
	}
	return found
}

func nameOf(set *appsv1.ReplicaSet) string {
	if strings.HasPrefix(set.Name, "rs-") {
		return set.Name
	}
	return newSet
}
