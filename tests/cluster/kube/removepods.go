package main

import (
	"context"
	"fmt"
	"os"
	"time"

	runtimeapi "k8s.io/cri-api/pkg/apis"
	cri "k8s.io/cri-client/pkg"
)

// removePods stops and removes every pod of a container runtime, while its kubelet no longer runs. The runtime then
// takes the pods' networks and mounts back too, which ending the runtime alone would leave on the machine.
// Its argument is the runtime's socket: remove-pods unix:///run/containerd.sock
func removePods() int {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: remove-pods unix:///SOCKET")
		return 2
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	runtime, err := cri.NewRemoteRuntimeService(os.Args[1], 20*time.Second, nil, nil)
	if err == nil {
		err = removeAll(ctx, runtime)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// removeAll tries every pod, so that one that resists does not keep the others, and returns the last error.
func removeAll(ctx context.Context, runtime runtimeapi.RuntimeService) error {
	pods, err := runtime.ListPodSandbox(ctx, nil)
	for _, pod := range pods {
		failure := runtime.StopPodSandbox(ctx, pod.Id)
		if failure == nil {
			failure = runtime.RemovePodSandbox(ctx, pod.Id)
		}
		if failure != nil {
			err = fmt.Errorf("pod %s: %w", pod.Metadata.Name, failure)
		}
	}
	return err
}
