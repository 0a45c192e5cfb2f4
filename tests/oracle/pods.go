package main

import (
	"context"
	"errors"
	"os"
	"reflect"
	"strings"
	"unicode/utf8"
	"unsafe"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/kubelet"
	"k8s.io/kubernetes/pkg/kubelet/configmap"
	kubecontainer "k8s.io/kubernetes/pkg/kubelet/container"
	"k8s.io/kubernetes/pkg/kubelet/secret"
	"k8s.io/kubernetes/pkg/volume/util/hostutil"
	"k8s.io/kubernetes/pkg/volume/util/subpath"
	"k8s.io/mount-utils"
)

//go:linkname makeEnvironment k8s.io/kubernetes/pkg/kubelet.(*Kubelet).makeEnvironmentVariables
func makeEnvironment(*kubelet.Kubelet, context.Context, *v1.Pod, *v1.Container, string, []string, kubecontainer.VolumeMap) ([]kubecontainer.EnvVar, error)

//go:linkname serviceVariables k8s.io/kubernetes/pkg/kubelet.(*Kubelet).getServiceEnvVarMap
func serviceVariables(*kubelet.Kubelet, string, bool) (map[string]string, error)

//go:linkname makeMounts k8s.io/kubernetes/pkg/kubelet.makeMounts
func makeMounts(klog.Logger, *v1.Pod, string, *v1.Container, string, string, []string, kubecontainer.VolumeMap, hostutil.HostUtils, subpath.Interface, []kubecontainer.EnvVar, bool, kubecontainer.ImageVolumes) ([]kubecontainer.Mount, func(), error)

const (
	nodeName = "node"
	podIP    = "10.244.0.9" // as in the manifests' status, if they have one
)

// PodAnswer has either what keeps all containers waiting, or what became of each.
type PodAnswer struct {
	Held       string                     `json:"held,omitempty"`
	Containers map[string]ContainerAnswer `json:"containers,omitempty"`
}

// ContainerAnswer has either why the container does not start, or what it gets.
type ContainerAnswer struct {
	Failed string                `json:"failed,omitempty"`
	Env    map[string]string     `json:"env,omitempty"`
	Files  map[string]FileAnswer `json:"files,omitempty"`
}

// startPods does to each Pod what the kubelet does: the volumes, then init containers and main ones in order.
func startPods(world *World) map[string]PodAnswer {
	node := world.Node
	if node == nil {
		node = &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: nodeName}, Status: v1.NodeStatus{
			Allocatable: v1.ResourceList{"cpu": resource.MustParse("7"), "memory": resource.MustParse("7Gi"), "ephemeral-storage": resource.MustParse("7Gi")},
			Addresses:   []v1.NodeAddress{{Type: v1.NodeInternalIP, Address: "172.18.0.3"}},
		}}
	}
	var objects []runtime.Object
	for _, each := range world.ConfigMaps {
		objects = append(objects, each)
	}
	for _, each := range world.Secrets {
		objects = append(objects, each)
	}
	client := fake.NewSimpleClientset(objects...)
	for _, pod := range world.Pods { // the root CA's controller keeps one in every namespace
		rootCA := &v1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "kube-root-ca.crt"}, Data: map[string]string{"ca.crt": unknown}}
		_, _ = client.CoreV1().ConfigMaps(pod.Namespace).Create(context.Background(), rootCA, metav1.CreateOptions{})
	}
	kl := newKubelet(client, node, world.Services)
	found := map[string]PodAnswer{}
	for _, pod := range world.Pods {
		pod.Spec.NodeName = node.Name // the scheduler
		found[pod.Name] = startPod(kl, client, node, pod)
	}
	return found
}

func newKubelet(client *fake.Clientset, node *v1.Node, services []*v1.Service) *kubelet.Kubelet {
	kl := &kubelet.Kubelet{}
	set := func(field string, value any) {
		at := reflect.ValueOf(kl).Elem().FieldByName(field)
		reflect.NewAt(at.Type(), unsafe.Pointer(at.UnsafeAddr())).Elem().Set(reflect.ValueOf(value))
	}
	nodes := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
	must(nodes.Add(node))
	known := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
	for _, each := range services {
		must(known.Add(each))
	}
	set("serviceLister", corelisters.NewServiceLister(known))
	set("kubeClient", client)
	set("nodeName", types.NodeName(node.Name))
	set("nodeLister", corelisters.NewNodeLister(nodes))
	set("serviceHasSynced", cache.InformerSynced(func() bool { return true }))
	set("configMapManager", configmap.NewSimpleConfigMapManager(client))
	set("secretManager", secret.NewSimpleSecretManager(client))
	return kl
}

func startPod(kl *kubelet.Kubelet, client *fake.Clientset, node *v1.Node, pod *v1.Pod) PodAnswer {
	folder, clean := newFolder()
	defer clean()
	volumes, err := setUpVolumes(folder, client, node, pod)
	if err != nil {
		return PodAnswer{Held: strings.ReplaceAll(err.Error(), folder, "")}
	}
	found := PodAnswer{Containers: map[string]ContainerAnswer{}}
	failed := ""
	for i := range pod.Spec.InitContainers {
		name := pod.Spec.InitContainers[i].Name
		if failed == "" {
			found.Containers[name] = startContainer(kl, folder, pod, &pod.Spec.InitContainers[i], volumes)
			failed = found.Containers[name].Failed
		} else {
			found.Containers[name] = ContainerAnswer{Failed: "waits"}
		}
	}
	for i := range pod.Spec.Containers {
		name := pod.Spec.Containers[i].Name
		if failed == "" {
			found.Containers[name] = startContainer(kl, folder, pod, &pod.Spec.Containers[i], volumes)
		} else {
			found.Containers[name] = ContainerAnswer{Failed: "waits"}
		}
	}
	return found
}

// startContainer is GenerateRunContainerOptions, and then what the container's runtime makes of its options.
func startContainer(kl *kubelet.Kubelet, folder string, pod *v1.Pod, container *v1.Container, volumes kubecontainer.VolumeMap) ContainerAnswer {
	ips := []string{podIP}
	env, err := makeEnvironment(kl, context.Background(), pod, container, podIP, ips, volumes)
	if err != nil {
		return ContainerAnswer{Failed: err.Error()}
	}
	subpather := subpath.New(mount.New(""))
	podDir := folder + "/pods/" + string(pod.UID)
	must(os.MkdirAll(podDir, 0o755))
	mounts, _, err := makeMounts(klog.Background(), pod, podDir, container, pod.Name, "", ips, volumes, hostutil.NewHostUtil(), subpather, env, true, nil)
	if err != nil {
		return ContainerAnswer{Failed: err.Error()}
	}
	found := ContainerAnswer{Env: map[string]string{}}
	links, err := serviceVariables(kl, pod.Namespace, *pod.Spec.EnableServiceLinks)
	must(err)
	for _, each := range env {
		if value, ok := links[each.Name]; ok && value == each.Value {
			continue // not what is asked for
		}
		found.Env[each.Name] = each.Value
		if err := passable(each.Value); err != nil {
			return ContainerAnswer{Failed: each.Name + ": " + err.Error()}
		}
	}
	found.Files, err = look(folder, container, mounts)
	if err != nil {
		return ContainerAnswer{Failed: strings.ReplaceAll(err.Error(), folder, "")}
	}
	return found
}

// passable: CRI's messages are protobuf, whose strings are UTF-8; execve's end with a zero byte.
func passable(value string) error {
	if !utf8.ValidString(value) {
		return errors.New("not UTF-8")
	}
	if strings.Contains(value, "\x00") {
		return errors.New("holds NUL")
	}
	return nil
}
