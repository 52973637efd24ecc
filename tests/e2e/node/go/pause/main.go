// The program that holds a pod's namespaces open: it waits to be told to stop, and collects the orphans of containers
// that share their process namespace, because it is process 1 there.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	received := make(chan os.Signal, 16)
	signal.Notify(received, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCHLD)
	for s := range received {
		if s != syscall.SIGCHLD {
			return
		}
		collect()
	}
}

// collect takes every child that has ended; one signal may stand for several.
func collect() {
	for {
		pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		if err != nil || pid <= 0 {
			return
		}
	}
}
