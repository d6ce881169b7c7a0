// workload is what tests run in pods. It does what its arguments say, one after the other, and ends with the first that
// fails. It prints hashes of what it was given, never the thing itself.
//
//	env NAME            prints `env NAME SHA256`
//	file PATH           prints `file PATH SHA256 MODE UID:GID`
//	proc FIELD          prints `proc FIELD VALUE` of /proc/self/status
//	get URL             prints `get URL STATUS SHA256`
//	claims PATH         prints `claims PATH JSON`: what the token in the file says of itself, without its signature
//	write PATH TEXT     writes a file
//	exists PATH         fails unless the file is there
//	tls ADDRESS DIR     serves HTTPS with DIR/tls.crt and DIR/tls.key as they are at each handshake; goes on
//	http ADDRESS        answers 200 to everything; goes on
//	say TEXT            prints it
//	wait                until SIGTERM
package main

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

type action struct {
	arguments int
	run       func(arguments []string) error
}

var actions = map[string]action{
	"env":    {1, printVariable},
	"file":   {1, printFile},
	"proc":   {1, printStatus},
	"get":    {1, get},
	"claims": {1, printClaims},
	"write":  {2, func(a []string) error { return os.WriteFile(a[0], []byte(a[1]), 0o644) }},
	"exists": {1, func(a []string) error { _, err := os.Stat(a[0]); return err }},
	"tls":    {2, serveTLS},
	"http":   {1, serveHTTP},
	"say":    {1, func(a []string) error { fmt.Println(a[0]); return nil }},
	"wait":   {0, wait},
}

func main() {
	arguments := os.Args[1:]
	for len(arguments) > 0 {
		name := arguments[0]
		arguments = arguments[1:]
		act, known := actions[name]
		if !known || len(arguments) < act.arguments {
			fmt.Fprintf(os.Stderr, "workload: no such action with such arguments: %q\n", name)
			os.Exit(2)
		}
		if err := act.run(arguments[:act.arguments]); err != nil {
			fmt.Fprintf(os.Stderr, "workload: %s: %v\n", name, err)
			os.Exit(1)
		}
		arguments = arguments[act.arguments:]
	}
}

func digest(value []byte) string {
	sum := sha256.Sum256(value)
	return hex.EncodeToString(sum[:])
}

func printVariable(a []string) error {
	value, set := os.LookupEnv(a[0])
	if !set {
		return fmt.Errorf("%s is not set", a[0])
	}
	fmt.Println("env", a[0], digest([]byte(value)))
	return nil
}

func printFile(a []string) error {
	value, err := os.ReadFile(a[0])
	if err != nil {
		return err
	}
	about, err := os.Stat(a[0])
	if err != nil {
		return err
	}
	owner := about.Sys().(*syscall.Stat_t)
	fmt.Printf("file %s %s %04o %d:%d\n", a[0], digest(value), about.Mode().Perm(), owner.Uid, owner.Gid)
	return nil
}

func printStatus(a []string) error {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	for _, line := range strings.Split(string(text), "\n") {
		if field, value, found := strings.Cut(line, ":"); found && field == a[0] {
			fmt.Println("proc", field, strings.TrimSpace(value))
			return nil
		}
	}
	return fmt.Errorf("no field %s", a[0])
}

func get(a []string) error {
	client := &http.Client{Timeout: 5 * time.Second}
	answer, err := client.Get(a[0])
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return err
	}
	fmt.Println("get", a[0], answer.StatusCode, digest(body))
	return nil
}

func printClaims(a []string) error {
	token, err := os.ReadFile(a[0])
	if err != nil {
		return err
	}
	parts := strings.Split(string(token), ".")
	if len(parts) != 3 {
		return fmt.Errorf("%s holds no token", a[0])
	}
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return err
	}
	fmt.Println("claims", a[0], string(claims))
	return nil
}

func serveTLS(a []string) error {
	certificate, key := filepath.Join(a[1], "tls.crt"), filepath.Join(a[1], "tls.key")
	listener, err := tls.Listen("tcp", a[0], &tls.Config{
		MinVersion: tls.VersionTLS13,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(certificate, key)
			return &pair, err
		},
	})
	if err != nil {
		return err
	}
	return serve(listener)
}

func serveHTTP(a []string) error {
	listener, err := net.Listen("tcp", a[0])
	if err != nil {
		return err
	}
	return serve(listener)
}

func serve(listener net.Listener) error {
	server := &http.Server{
		ReadHeaderTimeout: 5 * time.Second,
		Handler: http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) {
			fmt.Fprintln(answer, "ok")
		}),
	}
	go func() { fmt.Fprintln(os.Stderr, server.Serve(listener)) }()
	fmt.Println("serving", listener.Addr())
	return nil
}

func wait([]string) error {
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGINT, syscall.SIGTERM)
	<-end
	return nil
}
