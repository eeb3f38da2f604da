package netns

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestEveryNetworkLiesInItsBlockAndItsAddressesAreDistinct(t *testing.T) {
	t.Parallel()
	for _, block := range blocks {
		for _, random := range []uint64{0, 1, 8191, 1 << 40, ^uint64(0)} {
			p := draw(block, maxMembers, random)
			if !block.Contains(p.all.Addr()) || p.all != p.all.Masked() {
				t.Errorf("drawn by %d from %s the range is %s, want one inside", random, block, p.all)
			}
			seen := map[netip.Addr]bool{}
			for i := range maxMembers + 1 {
				end, router := p.link(i)
				link := netip.PrefixFrom(end, linkBits).Masked()
				if seen[end] || seen[router] || !p.all.Contains(end) || !link.Contains(router) || link.Addr() == end {
					t.Errorf("%s: link %d has the ends %s and %s", p.all, i, end, router)
				}
				seen[end], seen[router] = true, true
			}
			if n := len(p.device()); n > 15 {
				t.Errorf("%s has %d characters; the kernel takes 15", p.device(), n)
			}
		}
	}
	a, b := draw(blocks[0], 3, 1), draw(blocks[0], 3, 2)
	if a.all.Overlaps(b.all) || a.device() == b.device() {
		t.Errorf("two networks have the ranges %s and %s, or the same interface; want them apart", a.all, b.all)
	}
}

func TestCutsDropWhatPassesBetweenMembersOnly(t *testing.T) {
	t.Parallel()
	p := draw(blocks[0], 3, 0)
	inwards, outwards := "iifname { n1, n3 } oifname n2 drop", "iifname n2 oifname { n1, n3 } drop"
	for name, c := range map[string]struct{ in, out bool }{
		"both ways": {true, true}, "inwards": {true, false}, "outwards": {false, true},
	} {
		rules := p.cutRules(1, c.in, c.out)
		if strings.Contains(rules, inwards) != c.in || strings.Contains(rules, outwards) != c.out || strings.Contains(rules, uplink) {
			t.Errorf("%s: the rules are\n%s", name, rules)
		}
	}
	if rules := draw(blocks[0], 1, 0).cutRules(0, true, true); strings.Contains(rules, "drop") {
		t.Errorf("a member without others is cut off from them:\n%s", rules)
	}
}

func TestABridgeCutsOnePairBothWaysAndNoOtherMember(t *testing.T) {
	t.Parallel()
	rules := pairRules(0, 2)
	if strings.Count(rules, "drop\n") != 2 || !strings.Contains(rules, "iifname n1 oifname n3 drop") || !strings.Contains(rules, "iifname n3 oifname n1 drop") {
		t.Errorf("the rules are\n%s", rules)
	}
	if strings.Contains(rules, "n2") || strings.Contains(rules, uplink) {
		t.Errorf("another member is cut off:\n%s", rules)
	}
	if !strings.HasPrefix(rules, mendRules) {
		t.Errorf("what was cut before stays:\n%s", rules)
	}
}

func TestAllRoutesAreReadExceptTheDefault(t *testing.T) {
	t.Parallel()
	const text = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	010200C0	0003	0	0	0	00000000	0	0	0
eth0	000200C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
tun0	000012C6	00000000	0001	0	0	0	0000FEFF	0	0	0
`
	got, err := readRoutes(strings.NewReader(text))
	want := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.18.0.0/15")}
	if littleEndian := got[0] == want[0]; err != nil || littleEndian && !slices.Equal(got, want) {
		t.Errorf("read %v, %v; want %v", got, err, want)
	}
	if !overlaps(draw(blocks[0], 3, 7).all, want) || overlaps(draw(blocks[1], 3, 7).all, want) {
		t.Error("a range that is in use was taken for free, or a free one for one in use")
	}
	if _, err := readRoutes(strings.NewReader("head\neth0 xyz 0 0 0 0 0 00FFFFFF\n")); err == nil {
		t.Error("text that is no address was read as one")
	}
}
