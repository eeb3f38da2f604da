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
	authority *authority
	ports     *ports.Block
	addrs     []string
	processes []*process
}

// findEtcd returns the server's path. The error says how to install it.
func findEtcd() (string, error) {
	path, err := exec.LookPath("etcd")
	if err != nil {
		return "", fmt.Errorf("etcd is not installed (apt-get install etcd-server): %w", err)
	}
	return path, nil
}

func startEtcd(ctx context.Context, s *child.Starter, p *peers, binary, dir string, a *authority) (*etcd, error) {
	block, err := ports.Claim(2 * nodes)
	if err != nil {
		return nil, err
	}
	addrs := block.Addrs(2 * nodes)
	e := &etcd{peers: p, authority: a, ports: block, addrs: addrs[:nodes]}
	var members []string
	for i, addr := range addrs[nodes:] {
		members = append(members, fmt.Sprintf("e%d=%s://%s", i+1, a.scheme(), addr))
	}
	for i, addr := range e.addrs {
		name, own, peer := fmt.Sprintf("e%d", i+1), a.scheme()+"://"+addr, a.scheme()+"://"+addrs[nodes+i]
		secrets, err := a.etcdFlags(name, dir)
		if err != nil {
			e.stop()
			return nil, err
		}
		// It is killed: an orderly end takes seconds, and its data are thrown away.
		node, err := start(s, os.Kill, nil, binary, append(secrets, "--name", name, "--data-dir", filepath.Join(dir, name),
			"--listen-client-urls", own, "--advertise-client-urls", own,
			"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
			"--initial-cluster", strings.Join(members, ","), "--initial-cluster-state", "new",
			"--quota-backend-bytes", etcdQuota, "--log-level", "error", "--logger", "zap")...)
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

// etcdFlags are the flags that put a node under TLS: towards clients, and mutual towards
// its peers. There are none without TLS.
func (a *authority) etcdFlags(name, dir string) ([]string, error) {
	if a == nil {
		return nil, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("the directory for etcd cannot be made: %w", err)
	}
	cert, key, err := a.issue(name, dir)
	return []string{
		"--cert-file", cert, "--key-file", key, "--peer-cert-file", cert, "--peer-key-file", key,
		"--peer-trusted-ca-file", a.caFile(), "--peer-client-cert-auth",
	}, err
}

func (e *etcd) stop() {
	endAll(e.processes)
	e.ports.Release()
}

func (e *etcd) name() string { return nameEtcd }

func (e *etcd) about() string {
	return e.authority.describe("three node processes, default fsync; a transaction that creates the key if it is absent",
		"TLS to clients, mutual TLS between members")
}

func (e *etcd) does(m Mode) bool { return m == ModeSingle }

func (e *etcd) pids() []int { return pidsOf(e.processes) }

func (e *etcd) measure(ctx context.Context, p phase, begin, end func()) (Figures, error) {
	args := []string{"--endpoints", strings.Join(e.addrs, ",")}
	if e.authority != nil {
		args = append(args, "--ca", e.authority.caFile())
	}
	return e.peers.measure(ctx, p, nil, begin, end, args...)
}
