package localcluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Node is one member of the cluster. Its methods are safe for concurrent use.
type Node struct {
	ID       string // n1, n2, …
	URL      string // of its API, http://host:port
	APIAddr  string // host:port
	PeerAddr string // host:port
	DataDir  string
	LogPath  string // what its processes wrote to stdout and stderr, appended
	Args     []string

	cluster  *Cluster
	position int // from 0

	mu     sync.Mutex
	proc   *process // the latest; nil before the first
	paused bool
	binary string // of its own; empty: the cluster's
	began  int64  // where the log of the latest process begins
}

// start starts a process of the node. ends: it is expected to end by itself.
func (n *Node) start(ends bool) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.proc.running() {
		return fmt.Errorf("node %s is running already, as process %d", n.ID, n.proc.cmd.Process.Pid)
	}
	log, err := os.OpenFile(n.LogPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("the log of node %s cannot be written: %w", n.ID, err)
	}
	defer log.Close() // the process has its own copy
	info, err := log.Stat()
	if err != nil {
		return fmt.Errorf("the log of node %s cannot be read: %w", n.ID, err)
	}
	n.began = info.Size()
	binary := n.binary
	if binary == "" {
		binary = n.cluster.options.Binary
	}
	cmd := exec.Command(binary, n.Args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(inherited(), n.cluster.options.Env...)
	proc, err := start(n.cluster.starter, cmd, n.enter)
	if err != nil {
		return fmt.Errorf("node %s cannot be started: %w", n.ID, err)
	}
	proc.asked = ends
	n.proc, n.paused = proc, false
	n.cluster.watchers.Go(func() { n.watch(proc) })
	return nil
}

// enter calls start where the node is to run.
func (n *Node) enter(start func() error) error {
	if p := n.cluster.options.Place; p != nil {
		return p.Enter(n.position, start)
	}
	return start()
}

// watch calls OnExit if a process ends unexpectedly.
func (n *Node) watch(p *process) {
	<-p.exited
	n.mu.Lock()
	asked := p.asked
	n.mu.Unlock()
	if f := n.cluster.options.OnExit; f != nil && !asked {
		f(n, n.ended(p))
	}
}

// ended describes how a process ended, with the end of its log.
func (n *Node) ended(p *process) error {
	how := "ended"
	if p.err != nil {
		how = "ended: " + p.err.Error()
	}
	if tail := n.LogTail(); tail != "" {
		return fmt.Errorf("node %s %s; its last output:\n%s", n.ID, how, tail)
	}
	return fmt.Errorf("node %s %s, and wrote nothing to %s", n.ID, how, n.LogPath)
}

// Running reports whether the node has a process, paused or not.
func (n *Node) Running() bool { return n.current().running() }

// Pid returns the id of the node's process, 0 if there is none.
func (n *Node) Pid() int {
	p := n.current()
	if !p.running() {
		return 0
	}
	return p.cmd.Process.Pid
}

func (n *Node) current() *process {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.proc
}

// answering reports whether the node can be expected to answer.
func (n *Node) answering() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.proc.running() && !n.paused
}

// Exited returns a channel that is closed when the current process has ended.
func (n *Node) Exited() <-chan struct{} { return n.current().exited }

// Wait waits until the current process has ended. It returns nil if the process exited
// with status 0, and otherwise how it ended.
func (n *Node) Wait(ctx context.Context) error {
	p := n.current()
	select {
	case <-p.exited:
		return p.err
	case <-ctx.Done():
		return fmt.Errorf("node %s has not ended: %w", n.ID, ctx.Err())
	}
}

// Kill kills the process without a warning (SIGKILL) and returns once it is gone.
func (n *Node) Kill() error {
	p, err := n.ask(os.Kill)
	if err != nil {
		return err
	}
	<-p.exited
	return nil
}

// Terminate asks the process to end in order (SIGTERM) and returns at once; see Wait.
func (n *Node) Terminate() error {
	_, err := n.ask(quit)
	return err
}

// ask sends a signal after which the process is expected to end.
func (n *Node) ask(s os.Signal) (*process, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.proc.running() {
		return nil, fmt.Errorf("node %s: %w", n.ID, errNotRunning)
	}
	n.proc.asked = true
	if err := n.proc.signal(s); err != nil && !errors.Is(err, errNotRunning) {
		return nil, fmt.Errorf("node %s: %w", n.ID, err)
	}
	return n.proc, nil
}

// Pause stops the process (SIGSTOP): it keeps its connections and no longer answers.
func (n *Node) Pause() error { return n.hold(true) }

// Continue lets a paused process go on (SIGCONT).
func (n *Node) Continue() error { return n.hold(false) }

func (n *Node) hold(pause bool) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	act := (*process).proceed
	if pause {
		act = (*process).pause
	}
	if err := act(n.proc); err != nil {
		return fmt.Errorf("node %s: %w", n.ID, err)
	}
	n.paused = pause
	return nil
}

// Restart starts the node again, with the same ports and data, after its process
// has ended.
func (n *Node) Restart() error {
	if n.cluster.stopped() {
		return fmt.Errorf("node %s: the cluster has been stopped", n.ID)
	}
	return n.start(false)
}

// RestartToEnd is like Restart, for a process that is expected to end by itself: OnExit
// is not called for it.
func (n *Node) RestartToEnd() error {
	if n.cluster.stopped() {
		return fmt.Errorf("node %s: the cluster has been stopped", n.ID)
	}
	return n.start(true)
}

// RestartWith is like Restart, with another voted binary from now on.
func (n *Node) RestartWith(binary string) error {
	n.mu.Lock()
	n.binary = binary
	n.mu.Unlock()
	return n.Restart()
}

// LogTail returns the last lines that the latest process wrote, or how its crash begins.
func (n *Node) LogTail() string {
	n.mu.Lock()
	at := n.began
	n.mu.Unlock()
	f, err := os.Open(n.LogPath)
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil {
		at = max(at, info.Size()-tailBytes)
	}
	buf := make([]byte, tailBytes)
	k, _ := f.ReadAt(buf, at) // io.EOF is the usual end
	lines := strings.Split(strings.TrimSpace(string(buf[:k])), "\n")
	from := max(0, len(lines)-tailLines)
	if i := slices.IndexFunc(lines, crashes); i >= 0 {
		from = min(i, from)
	}
	return strings.Join(lines[from:min(len(lines), from+tailLines)], "\n")
}

// crashes reports whether a line is the first of a Go program's crash report.
func crashes(line string) bool {
	return strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ")
}

func newNode(c *Cluster, i int, apiPort, peerPort int) *Node {
	id := nodeID(i)
	host := "127.0.0.1"
	if p := c.options.Place; p != nil {
		host = p.Host(i)
	}
	at := func(port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }
	api := at(apiPort)
	return &Node{
		ID: id, URL: "http://" + api, APIAddr: api, PeerAddr: at(peerPort),
		DataDir: filepath.Join(c.Dir, id), LogPath: filepath.Join(c.Dir, id+".log"),
		cluster: c, position: i,
	}
}

func nodeID(i int) string { return fmt.Sprintf("n%d", i+1) }

// inherited is this process's environment without its VOTED_ variables: each node would
// take them for flags of its own.
func inherited() []string {
	return slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "VOTED_") })
}
