package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"

	securejoin "github.com/cyphar/filepath-securejoin"
	"golang.org/x/sys/unix"
	authenticationv1 "k8s.io/api/authentication/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	kubecontainer "k8s.io/kubernetes/pkg/kubelet/container"
	"k8s.io/kubernetes/pkg/volume"
	"k8s.io/kubernetes/pkg/volume/configmap"
	"k8s.io/kubernetes/pkg/volume/downwardapi"
	"k8s.io/kubernetes/pkg/volume/emptydir"
	"k8s.io/kubernetes/pkg/volume/projected"
	"k8s.io/kubernetes/pkg/volume/secret"
	volumetesting "k8s.io/kubernetes/pkg/volume/testing"
	"k8s.io/kubernetes/pkg/volume/util"
)

// FileAnswer is one file as the container finds it.
type FileAnswer struct {
	Mode   string `json:"mode"`
	Base64 string `json:"base64"`
}

// The content of these is not to be predicted.
const unknown = "unknown"

// host is the kubelet as volume plugins see it.
type host struct {
	volumetesting.FakeVolumeHost
	volume.KubeletVolumeHost
	node *v1.Node
}

func (h *host) GetNodeAllocatable() (v1.ResourceList, error) { return h.node.Status.Allocatable, nil }

func (h *host) GetServiceAccountTokenFunc() func(string, string, *authenticationv1.TokenRequest) (*authenticationv1.TokenRequest, error) {
	return func(_, _ string, asked *authenticationv1.TokenRequest) (*authenticationv1.TokenRequest, error) {
		asked.Status.Token = unknown
		asked.Status.ExpirationTimestamp = metav1.Now()
		return asked, nil
	}
}

func (h *host) GetTrustAnchorsByName(string, bool) ([]byte, error) { return []byte(unknown), nil }

func (h *host) GetTrustAnchorsBySigner(string, *metav1.LabelSelector, bool) ([]byte, error) {
	return []byte(unknown), nil
}

func (h *host) GetPodCertificateCredentialBundle(context.Context, string, string, string, string, int) ([]byte, []byte, error) {
	return []byte(unknown), []byte(unknown), nil
}

// prepareMounts keeps what is mounted here from the rest of the machine; the program runs in `unshare --mount`.
func prepareMounts() error {
	return unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
}

// newFolder is a file system of its own, which takes along all that was mounted in it.
func newFolder() (string, func()) {
	folder, err := os.MkdirTemp("", "oracle")
	must(err)
	must(unix.Mount("tmpfs", folder, "tmpfs", 0, ""))
	return folder, func() {
		must(unix.Unmount(folder, unix.MNT_DETACH))
		must(os.Remove(folder))
	}
}

// setUpVolumes lets the volume plugins fill those volumes that a container uses.
func setUpVolumes(folder string, client *fake.Clientset, node *v1.Node, pod *v1.Pod) (kubecontainer.VolumeMap, error) {
	base := volumetesting.NewFakeKubeletVolumeHost(&testing.T{}, folder, client, emptydir.ProbeVolumePlugins())
	my := &host{base, base, node}
	var plugins []volume.VolumePlugin
	for _, probe := range []func() []volume.VolumePlugin{
		emptydir.ProbeVolumePlugins, configmap.ProbeVolumePlugins, secret.ProbeVolumePlugins,
		downwardapi.ProbeVolumePlugins, projected.ProbeVolumePlugins,
	} {
		plugins = append(plugins, probe()...)
	}
	manager := &volume.VolumePluginMgr{}
	must(manager.InitPlugins(plugins, nil, my))
	args := volume.MounterArgs{FsUser: util.FsUserFrom(pod)}
	if pod.Spec.SecurityContext != nil {
		args.FsGroup = pod.Spec.SecurityContext.FSGroup
	}
	used, _, _ := util.GetPodVolumeNames(pod, false)
	found := kubecontainer.VolumeMap{}
	for i := range pod.Spec.Volumes {
		name := pod.Spec.Volumes[i].Name
		if !used.Has(name) {
			continue
		}
		spec := volume.NewSpecFromVolume(pod.Spec.Volumes[i].DeepCopy())
		plugin, err := manager.FindPluginBySpec(spec)
		must(err)
		mounter, err := plugin.NewMounter(spec, pod)
		must(err)
		if err := mounter.SetUp(args); err != nil {
			return nil, fmt.Errorf("volume %s: %w", name, err)
		}
		found[name] = kubecontainer.VolumeInfo{Mounter: mounter, InnerVolumeSpecName: name}
	}
	return found, nil
}

// look mounts what the kubelet asks for as containerd and runc do, and lists the files under the container's mounts.
// containerd adds files of its own; it makes outer mounts first (internal/cri/opts, orderedMounts). runc makes a
// missing mount point, follows links inside the container's root, and makes a mount read-only at once.
func look(folder string, container *v1.Container, mounts []kubecontainer.Mount) (map[string]FileAnswer, error) {
	root, err := os.MkdirTemp(folder, "root")
	must(err)
	blank := root + ".blank"
	must(os.WriteFile(blank, nil, 0o644))
	own := []string{"/etc/hostname", "/etc/resolv.conf", container.TerminationMessagePath}
	for _, path := range own {
		if !mountsAt(container, path) {
			mounts = append(mounts, kubecontainer.Mount{ContainerPath: path, HostPath: blank})
		}
	}
	depth := func(i int) int { return strings.Count(filepath.Clean(mounts[i].ContainerPath), "/") }
	sort.SliceStable(mounts, func(i, j int) bool { return depth(i) < depth(j) })
	for _, each := range mounts {
		if err := bindMount(root, each); err != nil {
			return nil, fmt.Errorf("mount %s: %w", each.ContainerPath, err)
		}
	}
	found := map[string]FileAnswer{}
	for _, each := range container.VolumeMounts {
		path := filepath.Clean("/" + each.MountPath)
		list(root+path, path, found)
	}
	for _, path := range append(own, "/etc/hosts") {
		if !mountsAt(container, path) {
			delete(found, path)
		}
	}
	return found, nil
}

func mountsAt(container *v1.Container, path string) bool {
	for _, each := range container.VolumeMounts {
		if filepath.Clean("/"+each.MountPath) == path {
			return true
		}
	}
	return false
}

func bindMount(root string, what kubecontainer.Mount) error {
	at, err := securejoin.SecureJoin(root, what.ContainerPath)
	if err != nil {
		return err
	}
	source, err := os.Stat(what.HostPath)
	if err != nil {
		return err
	}
	if source.IsDir() {
		err = os.MkdirAll(at, 0o755)
	} else if _, missing := os.Stat(at); missing != nil {
		if err = os.MkdirAll(filepath.Dir(at), 0o755); err == nil {
			err = os.WriteFile(at, nil, 0o755)
		}
	}
	if err != nil {
		return err
	}
	if err := unix.Mount(what.HostPath, at, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return err
	}
	if !what.ReadOnly {
		return nil
	}
	return unix.Mount("", at, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "")
}

// ownFolder is ..data, or a folder that it points to (pkg/volume/util/atomic_writer.go).
var ownFolder = regexp.MustCompile(`^\.\.(data|\d{4}_\d\d_\d\d_.*)$`)

// list notes all files below a path, links followed, the names of the kubelet's own folders left out.
func list(real, path string, found map[string]FileAnswer) {
	about, err := os.Stat(real)
	if err != nil {
		return
	}
	if about.Mode().IsRegular() {
		content, err := os.ReadFile(real)
		must(err)
		found[path] = FileAnswer{fmt.Sprintf("%o", unixMode(real)), base64.StdEncoding.EncodeToString(content)}
		return
	}
	entries, err := os.ReadDir(real)
	must(err)
	for _, entry := range entries {
		if !ownFolder.MatchString(entry.Name()) {
			list(filepath.Join(real, entry.Name()), filepath.Join(path, entry.Name()), found)
		}
	}
}

func unixMode(path string) uint32 {
	var about unix.Stat_t
	must(unix.Stat(path, &about))
	return about.Mode & 0o7777
}
