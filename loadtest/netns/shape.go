//go:build linux

package netns

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Throttle limits the link of a member to 2 Mbit/s each way, until Mend. Its clients use
// the same link.
func (n *Network) Throttle(member int) error {
	return n.shape(member, "tbf rate 2mbit burst 16kb latency 500ms")
}

// Delay makes messages from and to a member 10 to 80 ms late, until Mend. It needs the
// kernel's netem.
func (n *Network) Delay(member int) error {
	if err := n.shape(member, "netem delay 45ms 35ms"); err != nil {
		return fmt.Errorf("the kernel cannot delay packets; use --isolation proxies: %w", err)
	}
	return nil
}

// shape puts a queueing discipline on both ends of a member's link.
func (n *Network) shape(member int, discipline string) error {
	n.shaped = append(n.shaped, member)
	ctx := context.Background()
	set := func(s space, device string) error {
		return s.run(ctx, n.home, "", "tc", strings.Fields("qdisc replace dev "+device+" root "+discipline)...)
	}
	if err := set(n.router, port(member)); err != nil {
		return err
	}
	return set(n.members[member], inner)
}

// unshape removes the queueing disciplines again.
func (n *Network) unshape() error {
	ctx := context.Background()
	var errs []error
	for _, m := range n.shaped {
		errs = append(errs,
			n.router.run(ctx, n.home, "", "tc", "qdisc", "del", "dev", port(m), "root"),
			n.members[m].run(ctx, n.home, "", "tc", "qdisc", "del", "dev", inner, "root"))
	}
	n.shaped = nil
	return errors.Join(errs...)
}
