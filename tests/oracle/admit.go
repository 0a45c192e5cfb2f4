package main

import (
	"context"
	"encoding/json"
	"fmt"
	_ "unsafe" // for go:linkname

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	kjson "k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/types"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	_ "k8s.io/kubernetes/pkg/apis/storage/install"
	"k8s.io/kubernetes/pkg/features"
	"k8s.io/kubernetes/pkg/registry/core/configmap"
	"k8s.io/kubernetes/pkg/registry/core/persistentvolume"
	"k8s.io/kubernetes/pkg/registry/core/persistentvolumeclaim"
	"k8s.io/kubernetes/pkg/registry/core/pod"
	"k8s.io/kubernetes/pkg/registry/core/secret"
	"k8s.io/kubernetes/pkg/registry/storage/storageclass"
	"k8s.io/kubernetes/plugin/pkg/admission/serviceaccount"
)

// World is what the API server holds, in the order of the manifests; of an object applied twice the last one.
type World struct {
	ConfigMaps []*v1.ConfigMap
	Secrets    []*v1.Secret
	Pods       []*v1.Pod
	Volumes    []*v1.PersistentVolume
	Claims     []*v1.PersistentVolumeClaim
	Classes    []*storagev1.StorageClass
	Node       *v1.Node
	Services   []*v1.Service
	Accounts   []*v1.ServiceAccount

	Deployments  []*appsv1.Deployment
	ReplicaSets  []*appsv1.ReplicaSet
	StatefulSets []*appsv1.StatefulSet

	everything bool // whether objects of all kinds are validated, as `check` asks
}

const (
	home = "default" // where an object goes that names no namespace
	made = "made-"   // how the uids of created objects begin
)

var decoder = kjson.NewSerializerWithOptions(
	kjson.DefaultMetaFactory, legacyscheme.Scheme, legacyscheme.Scheme, kjson.SerializerOptions{Strict: true})

// admitAll creates the objects one by one; what is refused is not there.
func admitAll(manifests []json.RawMessage, refused map[string]string) *World {
	world := &World{}
	for i, raw := range manifests {
		obj, err := admit(raw, i, world)
		if err != nil {
			refused[nameIn(raw)] = err.Error()
			continue
		}
		switch it := obj.(type) {
		case *v1.ConfigMap:
			world.ConfigMaps = append(world.ConfigMaps, it)
		case *v1.Secret:
			world.Secrets = append(world.Secrets, it)
		case *v1.Pod:
			world.Pods = append(world.Pods, it)
		case *v1.PersistentVolume:
			world.Volumes = append(world.Volumes, it)
		case *v1.PersistentVolumeClaim:
			world.Claims = append(world.Claims, it)
		case *storagev1.StorageClass:
			world.Classes = append(world.Classes, it)
		case *v1.ServiceAccount:
			world.Accounts = append(world.Accounts, it)
		case *v1.Node:
			world.Node = it
		case *v1.Service:
			world.Services = append(world.Services, it)
		case *appsv1.Deployment:
			world.Deployments = append(world.Deployments, it)
		case *appsv1.StatefulSet:
			// pkg/registry/apps/statefulset, dropStatefulSetDisabledFields
			on := utilfeature.DefaultFeatureGate.Enabled(features.MaxUnavailableStatefulSet)
			if rolling := it.Spec.UpdateStrategy.RollingUpdate; rolling != nil && !on {
				rolling.MaxUnavailable = nil
			}
			world.StatefulSets = append(world.StatefulSets, it)
		case *appsv1.ReplicaSet:
			world.ReplicaSets = append(world.ReplicaSets, it)
		default:
			panic(fmt.Sprintf("no oracle for %T", obj))
		}
	}
	return world
}

//go:linkname shouldAutomount k8s.io/kubernetes/plugin/pkg/admission/serviceaccount.shouldAutomount
func shouldAutomount(*v1.ServiceAccount, *core.Pod) bool

//go:linkname mountToken k8s.io/kubernetes/plugin/pkg/admission/serviceaccount.(*Plugin).mountServiceAccountToken
func mountToken(*serviceaccount.Plugin, *v1.ServiceAccount, *core.Pod)

// account is the ServiceAccount of a Pod; one that is not among the manifests is taken as a plain one.
func (w *World) account(namespace, name string) *v1.ServiceAccount {
	for _, each := range w.Accounts {
		if each.Namespace == namespace && each.Name == name {
			return each
		}
	}
	return &v1.ServiceAccount{}
}

func nameIn(raw json.RawMessage) string {
	var it struct {
		Kind     string
		Metadata struct{ Name string }
	}
	_ = json.Unmarshal(raw, &it)
	return it.Kind + "/" + it.Metadata.Name
}

// admit does to one manifest what the API server does on create. An object that already has a uid is taken as one that
// the API server holds: it only gets its defaults.
func admit(raw json.RawMessage, number int, world *World) (runtime.Object, error) {
	obj, _, err := decoder.Decode(raw, nil, nil)
	if err != nil {
		return nil, err
	}
	legacyscheme.Scheme.Default(obj)
	about, err := meta.Accessor(obj)
	if err != nil {
		return nil, err
	}
	strategy, namespaced := strategyOf(obj)
	if strategy == nil && world.everything {
		strategy, namespaced = otherStrategy(obj)
	}
	if namespaced && about.GetNamespace() == "" {
		about.SetNamespace(home)
	}
	if strategy == nil || about.GetUID() != "" {
		return obj, nil
	}
	if it, ok := obj.(*v1.Pod); ok && it.Spec.ServiceAccountName == "" {
		it.Spec.ServiceAccountName = "default"
	}
	internal, err := legacyscheme.Scheme.ConvertToVersion(obj, runtime.InternalGroupVersioner)
	if err != nil {
		return nil, err
	}
	if it, ok := internal.(*core.Pod); ok {
		account := world.account(about.GetNamespace(), it.Spec.ServiceAccountName)
		if shouldAutomount(account, it) {
			mountToken(serviceaccount.NewServiceAccount(), account, it)
		}
	}
	ctx := genericapirequest.WithNamespace(context.Background(), about.GetNamespace())
	ctx = genericapirequest.WithRequestInfo(ctx, &genericapirequest.RequestInfo{APIVersion: "v1", Verb: "create"})
	if about, err = meta.Accessor(internal); err != nil {
		return nil, err
	}
	rest.FillObjectMetaSystemFields(about)
	prepare(internal, about, strategy)
	if err := rest.BeforeCreate(strategy, ctx, internal); err != nil {
		return nil, err
	}
	obj, err = legacyscheme.Scheme.ConvertToVersion(internal, obj.GetObjectKind().GroupVersionKind().GroupVersion())
	if err != nil {
		return nil, err
	}
	about, _ = meta.Accessor(obj)
	about.SetUID(types.UID(fmt.Sprintf("%s%d", made, number)))
	return obj, nil
}

func strategyOf(obj runtime.Object) (rest.RESTCreateStrategy, bool) {
	switch obj.(type) {
	case *v1.ConfigMap:
		return configmap.Strategy, true
	case *v1.Secret:
		return secret.Strategy, true
	case *v1.Pod:
		return pod.Strategy, true
	case *v1.PersistentVolume:
		return persistentvolume.Strategy, false
	case *v1.PersistentVolumeClaim:
		return persistentvolumeclaim.Strategy, true
	case *storagev1.StorageClass:
		return storageclass.Strategy, false
	}
	return nil, false
}
