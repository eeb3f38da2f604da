//go:build linux

package netns

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

const (
	// drawTries bounds the search for a range that nothing uses.
	drawTries = 64
	// commandTime bounds one command; each takes milliseconds.
	commandTime = 10 * time.Second
	// reachTime bounds the proof that a member can be reached.
	reachTime = 2 * time.Second
)

// Network is the namespaces of one cluster.
type Network struct {
	plan    plan
	home    space // the namespace of the host
	router  space
	members []space
	shaped  []int // members whose links are shaped
}

// New makes the namespaces, and makes sure that the members can be reached from here and
// from each other. An error says in a sentence what is missing. Other machines get no
// answer from the members, even if the host forwards their packets: the router has no route
// back. Those whose addresses the host translates into its own, such as containers, do.
func New(ctx context.Context, members int) (*Network, error) {
	if members > maxMembers {
		return nil, fmt.Errorf("there is room for %d members, not for %d", maxMembers, members)
	}
	if os.Geteuid() != 0 {
		return nil, errors.New("network namespaces need root")
	}
	for _, tool := range []string{"ip", "nft"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, fmt.Errorf("the command %s is not installed", tool)
		}
	}
	n := &Network{home: -1, router: -1}
	if err := n.build(ctx, members); err != nil {
		n.Close()
		return nil, err
	}
	return n, nil
}

func (n *Network) build(ctx context.Context, members int) (err error) {
	if n.home, err = openOwn(); err != nil {
		return err
	}
	if n.router, err = create(n.home); err != nil {
		return err
	}
	for range members {
		s, err := create(n.home)
		if err != nil {
			return err
		}
		n.members = append(n.members, s)
	}
	if err := n.connect(ctx, members); err != nil {
		return err
	}
	err = n.router.inside(n.home, func() error { return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0) })
	if err != nil {
		return fmt.Errorf("the router between the members cannot forward: %w", err)
	}
	for i, s := range n.members {
		if err := s.run(ctx, n.home, n.plan.memberScript(i), "ip", "-batch", "-"); err != nil {
			return err
		}
	}
	if err := n.home.run(ctx, n.home, n.plan.hostScript(), "ip", "-batch", "-"); err != nil {
		return err
	}
	// Try a cut while there is nothing to cut, so that it cannot fail first under load.
	if err := n.Isolate(0, true, true); err != nil {
		return err
	}
	if err := n.Mend(); err != nil {
		return err
	}
	return n.prove(ctx)
}

// connect finds a range of addresses and makes the interfaces.
func (n *Network) connect(ctx context.Context, members int) error {
	files := make([]string, members)
	for i, s := range n.members {
		files[i] = s.file()
	}
	var last error
	for range drawTries {
		used, err := inUse()
		if err != nil {
			return err
		}
		for _, block := range blocks {
			p := draw(block, members, rand.Uint64())
			if overlaps(p.all, used) {
				continue
			}
			n.plan = p
			if last = n.router.run(ctx, n.home, p.routerScript(n.home.file(), files), "ip", "-batch", "-"); last == nil || !strings.Contains(last.Error(), "File exists") {
				return last
			}
			break // another run has drawn the same range
		}
	}
	return errors.Join(errors.New("no range of addresses was found that is not in use on this machine"), last)
}

// inUse returns the ranges in which the machine has addresses, or to which it has routes.
func inUse() ([]netip.Prefix, error) {
	f, err := os.Open("/proc/net/route")
	if err != nil {
		return nil, fmt.Errorf("the routes of this machine cannot be read: %w", err)
	}
	defer f.Close()
	all, err := readRoutes(f)
	if err != nil {
		return nil, err
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("the addresses of this machine cannot be read: %w", err)
	}
	for _, a := range addresses {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() {
			all = append(all, p.Masked())
		}
	}
	return all, nil
}

// prove makes sure that each member can be reached from the host and from another member: a
// firewall may prevent that.
func (n *Network) prove(ctx context.Context) error {
	for i, s := range n.members {
		var l net.Listener
		at := net.JoinHostPort(n.Host(i), "0")
		err := s.inside(n.home, func() (err error) { l, err = net.Listen("tcp", at); return err })
		if err != nil {
			return fmt.Errorf("nothing can listen in a namespace: %w", err)
		}
		dial := func() error {
			d := net.Dialer{Timeout: reachTime}
			c, err := d.DialContext(ctx, "tcp", l.Addr().String())
			if err != nil {
				return err
			}
			return c.Close()
		}
		err = dial()
		if err == nil {
			err = n.members[(i+1)%len(n.members)].inside(n.home, dial)
		}
		_ = l.Close()
		if err != nil {
			return fmt.Errorf("a namespace cannot be reached (is there a firewall?): %w", err)
		}
	}
	return nil
}

// Host returns the address of a member, counted from 0.
func (n *Network) Host(member int) string { return n.plan.host(member).String() }

// Enter calls start, which starts a process, in the namespace of a member. The calling
// goroutine must be locked to its thread.
func (n *Network) Enter(member int, start func() error) error {
	return n.members[member].enter(n.home, start)
}

// Isolate loses what the other members send to one (in), what it sends to them (out),
// or both, until Mend. Clients still reach it.
func (n *Network) Isolate(member int, in, out bool) error {
	return n.router.run(context.Background(), n.home, n.plan.cutRules(member, in, out), "nft", "-f", "-")
}

// CutPair loses what two members send to each other, until Mend.
func (n *Network) CutPair(a, b int) error {
	return n.router.run(context.Background(), n.home, pairRules(a, b), "nft", "-f", "-")
}

// Mend lets everything pass again.
func (n *Network) Mend() error {
	if err := n.unshape(); err != nil {
		return err
	}
	return n.router.run(context.Background(), n.home, mendRules, "nft", "-f", "-")
}

// Move does nothing: a namespace can be reached at all its ports.
func (n *Network) Move(int, string) {}

// Up does nothing: a namespace refuses connections by itself while nothing listens.
func (n *Network) Up(int) error { return nil }

// Down does nothing, as Up does.
func (n *Network) Down(int) {}

// Close removes the host's interface and lets the namespaces go. The kernel removes
// these once the last process in them has ended. It may be called more than once.
func (n *Network) Close() {
	if n.plan.members > 0 {
		// Removing the router's end removes the host's end at once. Without this the kernel
		// would do it a little later.
		_ = n.router.run(context.Background(), n.home, "link del dev "+uplink+"\n", "ip", "-batch", "-")
	}
	for _, s := range append(n.members, n.router, n.home) {
		s.close()
	}
	n.plan, n.members, n.router, n.home = plan{}, nil, -1, -1
}

// String says how members are cut off from each other.
func (n *Network) String() string {
	return fmt.Sprintf("network namespaces, one for each node (%s), and nftables between them", n.plan.all)
}

// file names the namespace for other processes, as long as it is open here.
func (s space) file() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), s) }

// run runs a command in the namespace, with a script as its input.
func (s space) run(ctx context.Context, home space, script, name string, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = strings.NewReader(script)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that Ctrl-C does not reach it
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := s.inside(home, cmd.Run); err != nil {
		return fmt.Errorf("%s failed: %w: %s", name, errors.Join(err, ctx.Err()), strings.TrimSpace(output.String()))
	}
	return nil
}
