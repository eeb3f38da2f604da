package netns

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math/bits"
	"net/netip"
	"strings"
)

// readRoutes reads the destinations of /proc/net/route, without default routes, which hold
// every address.
func readRoutes(r io.Reader) ([]netip.Prefix, error) {
	var all []netip.Prefix
	lines := bufio.NewScanner(r)
	for first := true; lines.Scan(); first = false {
		// Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT
		f := strings.Fields(lines.Text())
		if first || len(f) < 8 {
			continue
		}
		to, err := address(f[1])
		if err != nil {
			return nil, err
		}
		mask, err := address(f[7])
		if err != nil {
			return nil, err
		}
		m := mask.As4()
		if n := bits.OnesCount32(binary.BigEndian.Uint32(m[:])); n > 0 {
			all = append(all, netip.PrefixFrom(to, n))
		}
	}
	return all, lines.Err()
}

// address reads an address as the kernel writes it in that file: in hexadecimal, as a
// number in the byte order of the machine.
func address(s string) (netip.Addr, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 4 {
		return netip.Addr{}, fmt.Errorf("/proc/net/route has %q where an address was expected", s)
	}
	var a [4]byte
	binary.NativeEndian.PutUint32(a[:], binary.BigEndian.Uint32(b))
	return netip.AddrFrom4(a), nil
}

// overlaps reports whether a range is in use.
func overlaps(p netip.Prefix, used []netip.Prefix) bool {
	for _, u := range used {
		if u.Overlaps(p) {
			return true
		}
	}
	return false
}
