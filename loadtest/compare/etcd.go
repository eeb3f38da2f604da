package compare

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"voted/internal/child"
	"voted/internal/ports"
)

// etcdQuota is the size its database may grow to; its default of 2 GiB would end a
// long comparison.
const etcdQuota = "8589934592"

// etcd is a cluster of three.
type etcd struct {
	peers     *peers
	ports     *ports.Block
	addrs     []string
	processes []*process
}

// findEtcd returns the server's path, or how to come by it.
func findEtcd() (string, error) {
	path, err := exec.LookPath("etcd")
	if err != nil {
		return "", fmt.Errorf("etcd is not installed (apt-get install etcd-server): %w", err)
	}
	return path, nil
}

func startEtcd(ctx context.Context, s *child.Starter, p *peers, binary, dir string) (*etcd, error) {
	block, err := ports.Claim(2 * nodes)
	if err != nil {
		return nil, err
	}
	addrs := block.Addrs(2 * nodes)
	e := &etcd{peers: p, ports: block, addrs: addrs[:nodes]}
	var members []string
	for i, addr := range addrs[nodes:] {
		members = append(members, fmt.Sprintf("e%d=http://%s", i+1, addr))
	}
	for i, addr := range e.addrs {
		name, peer := fmt.Sprintf("e%d", i+1), "http://"+addrs[nodes+i]
		// In order it takes seconds to leave, and its data are thrown away.
		node, err := start(s, os.Kill, nil, binary, "--name", name, "--data-dir", filepath.Join(dir, name),
			"--listen-client-urls", "http://"+addr, "--advertise-client-urls", "http://"+addr,
			"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
			"--initial-cluster", strings.Join(members, ","), "--initial-cluster-state", "new",
			"--quota-backend-bytes", etcdQuota, "--log-level", "error", "--logger", "zap")
		if err != nil {
			e.stop()
			return nil, err
		}
		e.processes = append(e.processes, node)
	}
	for i, node := range e.processes {
		if err := node.waitListening(ctx, e.addrs[i]); err != nil {
			e.stop()
			return nil, err
		}
	}
	return e, nil
}

func (e *etcd) stop() {
	endAll(e.processes)
	e.ports.Release()
}

func (e *etcd) name() string { return "etcd" }

func (e *etcd) about() string {
	return "three node processes, default fsync; a transaction that creates the key if it is absent"
}

func (e *etcd) does(m Mode) bool { return m == ModeSingle }

func (e *etcd) pids() []int { return pidsOf(e.processes) }

func (e *etcd) measure(ctx context.Context, p phase, begin, end func()) (Figures, error) {
	return e.peers.measure(ctx, p, nil, begin, end, "--endpoints", strings.Join(e.addrs, ","))
}
