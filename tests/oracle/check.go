package main

import (
	"encoding/json"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/rbac/install"
	"k8s.io/kubernetes/pkg/capabilities"
	"k8s.io/kubernetes/pkg/registry/apps/deployment"
	"k8s.io/kubernetes/pkg/registry/apps/replicaset"
	"k8s.io/kubernetes/pkg/registry/apps/statefulset"
	"k8s.io/kubernetes/pkg/registry/core/replicationcontroller"
	"k8s.io/kubernetes/pkg/registry/core/service"
	"k8s.io/kubernetes/pkg/registry/core/serviceaccount"
	"k8s.io/kubernetes/pkg/registry/rbac/role"
	"k8s.io/kubernetes/pkg/registry/rbac/rolebinding"
)

// check creates the objects one by one, each by itself, and keeps what the API server says of those that it refuses.
func check(manifests []json.RawMessage, refused map[string]string) {
	capabilities.Setup(true, 0) // privileged containers, as kubeadm and kind allow them
	for i, raw := range manifests {
		if _, err := admit(raw, i, &World{everything: true}); err != nil {
			refused[nameIn(raw)] = err.Error()
		}
	}
}

// prepare does what the API server does before it validates: names are generated, addresses of Services listed
// (Store.create, normalizeClusterIPs).
func prepare(obj runtime.Object, about metav1.Object, strategy rest.RESTCreateStrategy) {
	if about.GetGenerateName() != "" && about.GetName() == "" {
		about.SetName(strategy.GenerateName(about.GetGenerateName()))
	}
	if it, ok := obj.(*core.Service); ok && it.Spec.ClusterIP != "" && len(it.Spec.ClusterIPs) == 0 {
		it.Spec.ClusterIPs = []string{it.Spec.ClusterIP}
	}
}

// otherStrategy is that of the kinds whose objects the predictions take as the API server holds them.
func otherStrategy(obj runtime.Object) (rest.RESTCreateStrategy, bool) {
	switch obj.(type) {
	case *v1.Service:
		return service.Strategy, true
	case *v1.ServiceAccount:
		return serviceaccount.Strategy, true
	case *v1.ReplicationController:
		return replicationcontroller.Strategy, true
	case *appsv1.Deployment:
		return deployment.Strategy, true
	case *appsv1.ReplicaSet:
		return replicaset.Strategy, true
	case *appsv1.StatefulSet:
		return statefulset.Strategy, true
	case *rbacv1.Role:
		return role.Strategy, true
	case *rbacv1.RoleBinding:
		return rolebinding.Strategy, true
	}
	return nil, false
}
