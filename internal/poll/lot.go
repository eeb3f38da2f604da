package poll

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"voted/internal/refusal"
	"voted/internal/tally"
)

// DrawLot is the command that enters the lot of a closed poll, once. It is for polls that
// decide ties by lot and whose definition has none.
type DrawLot struct {
	Poll  string
	Order []int  // each option once: earlier ones stay or win
	Seed  string // that Order was made from by LotOfSeed; "" if it was drawn otherwise
}

func (c DrawLot) apply(s *State) Result { return s.drawLot(c) }

// Lot is a lot that was drawn after the close.
type Lot struct {
	Order []int  // nil: none was drawn
	Seed  string // "" if the order was entered as it is
}

// LotOfSeed is the order of the options by SHA-256 of the seed and the option's id.
// Whoever knows the seed can repeat it.
func LotOfSeed(options []Option, seed string) []int {
	order := make([]int, len(options))
	sums := make([][sha256.Size]byte, len(options))
	for i, o := range options {
		order[i], sums[i] = i, sha256.Sum256([]byte(seed+o.ID))
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(slices.Compare(sums[a][:], sums[b][:]), cmp.Compare(a, b))
	})
	return order
}

// drawLot enters a lot, or finds that it was entered before.
func (s *State) drawLot(c DrawLot) Result {
	p := s.Find(c.Poll)
	if p == nil {
		return s.fail(c.Poll, refusal.Of(refusal.PollNotFound))
	}
	asked := p.rules.Counting
	switch {
	case asked.Ties != tally.TiesLot:
		return s.fail(c.Poll, refusal.For(refusal.LotUnused))
	case p.closedIndex == 0:
		return s.fail(c.Poll, refusal.Of(refusal.PollNotClosed))
	case !tally.OrdersAll(c.Order, len(p.rules.Options)) || len(c.Seed) > MaxSeedBytes:
		return s.fail(c.Poll, refusal.For(refusal.LotIncomplete))
	case asked.Lot != nil && !slices.Equal(asked.Lot, c.Order), p.lot.Order != nil && !slices.Equal(p.lot.Order, c.Order):
		return s.fail(c.Poll, refusal.Of(refusal.LotDrawn))
	case asked.Lot != nil, p.lot.Order != nil:
		return Result{Poll: c.Poll, Index: s.index}
	}
	s.touch(p)
	p.lot = Lot{Order: slices.Clone(c.Order), Seed: c.Seed}
	s.fold(foldLot, c.Poll, p.lot.append(nil))
	s.happened(LotDrawn, p, uint64(p.revision), 0)
	return Result{Poll: c.Poll, Index: s.index}
}

// append appends the encoding of a lot: the seed, and the option numbers after their count.
func (l Lot) append(b []byte) []byte {
	b = appendString(b, l.Seed)
	return appendNumbers(binary.AppendUvarint(b, uint64(len(l.Order))), l.Order)
}

// lot reads what Lot.append wrote.
func (c *Cursor) lot() Lot {
	l := Lot{Seed: c.String()}
	l.Order = c.numbers(int(c.Bounded(uint64(c.Len()))))
	return l
}

// AppendPayload appends the command's encoding.
func (c DrawLot) AppendPayload(b []byte) []byte {
	return Lot{c.Order, c.Seed}.append(appendString(b, c.Poll))
}

// DrawLot reads what DrawLot.AppendPayload wrote.
func (c *Cursor) DrawLot() DrawLot {
	id, l := c.String(), c.lot()
	return DrawLot{Poll: id, Order: l.Order, Seed: l.Seed}
}
