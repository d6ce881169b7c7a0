// runc-without-seccomp stands in front of a runc that was built without libseccomp, which refuses every container that
// asks for a seccomp profile, RuntimeDefault included. It takes the profile out of the bundle and becomes runc: the
// container runs, UNFILTERED. Real nodes on a development machine may do so; a node that strangers use must not.
//
//	runc-without-seccomp RUNC ARGUMENT…
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "runc-without-seccomp:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) < 2 {
		return errors.New("its first argument is the path of runc")
	}
	if bundle := bundleOf(os.Args[2:]); bundle != "" {
		if err := removeProfile(filepath.Join(bundle, "config.json")); err != nil {
			return err
		}
	}
	return syscall.Exec(os.Args[1], os.Args[1:], os.Environ())
}

// containerd's shim calls `runc [global flags] create --bundle DIR …`; for exec it passes a process file without profile.
func bundleOf(arguments []string) string {
	for i, argument := range arguments {
		if argument == "--bundle" && i+1 < len(arguments) {
			return arguments[i+1]
		}
	}
	return ""
}

func removeProfile(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	// Raw, so that what is not understood here (64-bit limits, say) stays to the letter.
	var spec, linux map[string]json.RawMessage
	if err := json.Unmarshal(text, &spec); err != nil {
		return err
	}
	if err := json.Unmarshal(spec["linux"], &linux); err != nil {
		return err
	}
	if _, present := linux["seccomp"]; !present {
		return nil
	}
	delete(linux, "seccomp")
	if spec["linux"], err = json.Marshal(linux); err != nil {
		return err
	}
	if text, err = json.Marshal(spec); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}
