//go:build linux

package netns

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"testing"
	"time"
)

// newNetwork makes a network, or skips the test if that is not possible here.
func newNetwork(t *testing.T, members int) *Network {
	t.Helper()
	n, err := New(t.Context(), members)
	if err != nil {
		t.Skip("no network namespaces here:", err)
	}
	t.Cleanup(n.Close)
	return n
}

// listen echoes lines at a member.
func listen(t *testing.T, n *Network, member int) string {
	t.Helper()
	var l net.Listener
	err := n.members[member].inside(n.home, func() (err error) {
		l, err = net.Listen("tcp", net.JoinHostPort(n.Host(member), "0"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for in := bufio.NewScanner(c); in.Scan(); {
					fmt.Fprintln(c, in.Text())
				}
			}()
		}
	}()
	return l.Addr().String()
}

func TestACutMemberReceivesAndSendsNothingButClientsReachIt(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 3)
	one, two := listen(t, n, 0), listen(t, n, 1)
	// from dials an address in the namespace of a member, or from here, and expects an echo.
	from := func(s space, to string) error {
		return s.inside(n.home, func() error {
			c, err := net.DialTimeout("tcp", to, 300*time.Millisecond)
			if err != nil {
				return err
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(time.Second))
			fmt.Fprintln(c, "hello")
			_, err = bufio.NewReader(c).ReadString('\n')
			return err
		})
	}
	for name, c := range map[string]struct{ in, out bool }{
		"both ways": {true, true}, "what it sends": {false, true}, "what it is sent": {true, false},
	} {
		if err := n.Isolate(0, c.in, c.out); err != nil {
			t.Fatal(err)
		}
		if from(n.members[1], one) == nil || from(n.members[0], two) == nil {
			t.Errorf("%s: a connection was made across the cut", name)
		}
		if err := from(n.members[2], two); err != nil {
			t.Errorf("%s: the other members do not reach each other: %v", name, err)
		}
		if err := from(n.home, one); err != nil {
			t.Errorf("%s: a client does not reach the member: %v", name, err)
		}
		if err := n.Mend(); err != nil {
			t.Fatal(err)
		}
		if err := from(n.members[1], one); err != nil {
			t.Errorf("%s: the member is not reached after the cut was mended: %v", name, err)
		}
	}
}

func TestACutOneWayLosesWhatGoesThatWayOnly(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 2)
	// Given a socket at each member.
	var at [2]net.PacketConn
	for i := range at {
		err := n.members[i].inside(n.home, func() (err error) {
			at[i], err = net.ListenPacket("udp", net.JoinHostPort(n.Host(i), "0"))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { at[i].Close() })
	}
	arrives := func(from, to int) bool {
		if _, err := at[from].WriteTo([]byte("x"), at[to].LocalAddr()); err != nil {
			t.Fatal(err)
		}
		at[to].SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		_, _, err := at[to].ReadFrom(make([]byte, 8))
		return err == nil
	}
	if err := n.Isolate(0, false, true); err != nil {
		t.Fatal(err)
	}
	if arrives(0, 1) || !arrives(1, 0) {
		t.Error("what the first member sends must be lost, and only that")
	}
	if err := n.Isolate(0, true, false); err != nil {
		t.Fatal(err)
	}
	if !arrives(0, 1) || arrives(1, 0) {
		t.Error("what is sent to the first member must be lost, and only that")
	}
}

func TestNetworksAtTheSameTimeAreApartAndLeaveNothing(t *testing.T) {
	t.Parallel()
	a, b := newNetwork(t, 2), newNetwork(t, 2)
	if a.plan.all.Overlaps(b.plan.all) {
		t.Errorf("two networks at the same time are both in %s", a.plan.all)
	}
	for _, n := range []*Network{a, b} {
		device := "/sys/class/net/" + n.plan.device()
		if _, err := os.Stat(device); err != nil {
			t.Errorf("the host has no interface: %v", err)
		}
		n.Close()
		if _, err := os.Stat(device); err == nil {
			t.Errorf("%s is left after Close", device)
		}
	}
}
