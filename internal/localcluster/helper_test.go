package localcluster

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

// nodeMode makes the test binary act as a node instead of running tests.
const nodeMode = "LOCALCLUSTER_TEST_NODE"

func TestMain(m *testing.M) {
	if mode := os.Getenv(nodeMode); mode != "" {
		os.Exit(actAsNode(mode, os.Args[1:]))
	}
	goleak.VerifyTestMain(m)
}

// actAsNode answers what Cluster asks: it is ready at once, and takes the first
// member whose peer port is open for the leader.
func actAsNode(mode string, args []string) int {
	flags := map[string]string{}
	for i := 1; i+1 < len(args); i += 2 {
		flags[args[i]] = args[i+1]
	}
	switch mode {
	case "broken":
		fmt.Fprintln(os.Stderr, "this node cannot serve")
		return 3
	case "crashing":
		fmt.Fprintln(os.Stderr, "about to crash")
		crash(2 * tailLines)
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
	}
	peer, err := net.Listen("tcp", flags["--peer"])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer peer.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /v1/cluster", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(firstAlive(flags["--cluster"]))
	})
	api := &http.Server{Addr: flags["--api"], Handler: mux}
	if mode != "stubborn" {
		term := make(chan os.Signal, 1)
		signal.Notify(term, syscall.SIGTERM)
		go func() { <-term; api.Close() }()
	}
	fmt.Println("serving as", flags["--id"], "pid", os.Getpid())
	if err := api.ListenAndServe(); err != http.ErrServerClosed {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// crash panics so deep that the trace is longer than what an error quotes.
func crash(depth int) {
	if depth > 0 {
		crash(depth - 1)
	}
	panic("the state is not what it was")
}

func firstAlive(cluster string) view {
	for i, entry := range strings.Split(cluster, ",") {
		id, peer, _ := strings.Cut(entry, "=")
		if conn, err := net.Dial("tcp", peer); err == nil {
			conn.Close()
			return view{Leader: id, Term: uint64(i + 1)}
		}
	}
	return view{}
}
