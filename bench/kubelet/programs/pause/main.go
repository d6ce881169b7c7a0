// pause holds a pod's namespaces open: it waits for a signal to end, and as process 1 of a pod that shares its process
// namespace it takes leave of the others' dead.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	end := make(chan os.Signal, 1)
	dead := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGINT, syscall.SIGTERM)
	signal.Notify(dead, syscall.SIGCHLD)
	for {
		select {
		case <-end:
			return
		case <-dead:
			for {
				if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); pid <= 0 || err != nil {
					break
				}
			}
		}
	}
}
