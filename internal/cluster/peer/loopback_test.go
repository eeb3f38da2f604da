package peer

import (
	"net"
	"testing"
)

// Most containers have no IPv6 on loopback, although a listener on every address shows
// itself as [::].
func TestAMemberBoundToEveryAddressReachesItselfByIPv4(t *testing.T) {
	t.Parallel()
	for _, bind := range []string{"0.0.0.0:0", ":0", "[::]:0"} {
		l, err := net.Listen("tcp", bind)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		host, _, err := net.SplitHostPort(loopback(l.Addr()))
		if err != nil || host != "127.0.0.1" {
			t.Errorf("bound to %s, it calls itself at %s", bind, loopback(l.Addr()))
		}
		c, err := net.Dial("tcp", loopback(l.Addr()))
		if err != nil {
			t.Fatalf("bound to %s: %v", bind, err)
		}
		c.Close()
	}
}
