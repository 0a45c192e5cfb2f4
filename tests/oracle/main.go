// Oracle: what Kubernetes' own code answers to the questions of `k8sviz predict`.
//
// It reads a case a line from stdin and writes an answer a line to stdout (see README.md). The objects go through the
// API server's decoding, defaulting and validation (admit.go), then through the volume controller (binding.go) or the
// kubelet (pods.go, volumes.go), whose functions are called as they are, not copied.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
)

// Case is one question: manifests in the order in which they are applied.
type Case struct {
	ID      string            `json:"id"`
	Kind    string            `json:"kind"` // binding, pods, rollout, stateful or check
	Objects []json.RawMessage `json:"objects"`
}

// Answer to a Case; one of Bound, Pods, Sizes and Acts is set. Refused has the API server's messages by object.
type Answer struct {
	ID      string               `json:"id"`
	Refused map[string]string    `json:"refused,omitempty"`
	Bound   map[string]*string   `json:"bound,omitempty"`
	Pods    map[string]PodAnswer `json:"pods,omitempty"`
	Sizes   map[string]int32     `json:"sizes,omitempty"`
	Acts    []string             `json:"acts,omitempty"`
	Broken  string               `json:"broken,omitempty"`
}

func main() {
	klog.SetLogger(logr.Discard())
	must(prepareMounts())
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<26)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for in.Scan() {
		var one Case
		must(json.Unmarshal(in.Bytes(), &one))
		line, err := json.Marshal(answer(one))
		must(err)
		out.Write(append(line, '\n'))
	}
	must(in.Err())
}

func answer(one Case) (found Answer) {
	found = Answer{ID: one.ID, Refused: map[string]string{}}
	defer func() {
		if reason := recover(); reason != nil {
			found.Broken = fmt.Sprint(reason)
		}
	}()
	if one.Kind == "check" {
		check(one.Objects, found.Refused)
		return found
	}
	world := admitAll(one.Objects, found.Refused)
	switch one.Kind {
	case "binding":
		found.Bound = bind(world)
	case "pods":
		found.Pods = startPods(world)
	case "rollout":
		found.Sizes = rollOut(world)
	case "stateful":
		found.Acts = syncStateful(world)
	}
	return found
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
