package optionorder

import (
	"fmt"
	"slices"
	"testing"
)

func TestAVoterAlwaysSeesTheSameOrder(t *testing.T) {
	t.Parallel()
	// As anybody can repeat it: printf 'board\0v-17\0ann' | sha256sum gives a3ee8957…
	if got := Of("board", "v-17", []string{"ann", "bo", "cy", "di"}); !slices.Equal(got, []int{2, 1, 3, 0}) {
		t.Errorf("v-17 sees %v now", got)
	}
}

func TestOrdersAreFairAndWhole(t *testing.T) {
	t.Parallel()
	const voters = 6000
	ids := []string{"ann", "bo", "cy"}
	first := map[string]int{}
	for v := range voters {
		order := Of("board", fmt.Sprint("v-", v), ids)
		if sorted := slices.Sorted(slices.Values(order)); !slices.Equal(sorted, []int{0, 1, 2}) {
			t.Fatalf("voter %d sees %v", v, order)
		}
		first[fmt.Sprint(order)]++
	}
	// Each of the six orders is expected 1000 times with a deviation of 29; six of those are
	// never seen by chance.
	for order, n := range first {
		if len(first) != 6 || n < 826 || n > 1174 {
			t.Errorf("%d of %d voters see the order %s, %d orders are seen", n, voters, order, len(first))
		}
	}
}

func TestAnotherPollShufflesOtherwise(t *testing.T) {
	t.Parallel()
	ids := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}
	if slices.Equal(Of("p", "v", ids), Of("q", "v", ids)) {
		t.Error("two polls have one order: whoever is first in one is first in all")
	}
}
