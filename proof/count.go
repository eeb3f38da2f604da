package proof

import "fmt"

// Count follows a log entry by entry, from the first, and counts it: that it begins with
// a definition, that each voter has one current ballot, that each replacement names the
// ballot that was the voter's current one, and that the closing entry has the same numbers.
// Whether the entries are those that were signed is for Tree to say.
//
// It needs about 60 bytes of memory a voter. The zero Count is ready.
type Count struct {
	Definition DefinitionEntry
	Records    uint32        // ballots so far, replaced ones too
	Voters     uint32        // ballots that were not replaced
	Closing    *ClosingEntry // nil before the close

	begun      bool
	current    map[[16]byte]uint32 // voter key → number of the current ballot
	superseded Superseded
}

// Size returns how many entries were taken.
func (c *Count) Size() uint64 {
	n := uint64(c.Records)
	if c.begun {
		n++
	}
	if c.Closing != nil {
		n++
	}
	return n
}

// Replaced returns how many ballots were replaced by later ones.
func (c *Count) Replaced() uint32 { return c.Records - c.Voters }

// Superseded reports whether a later ballot replaced this one of 1 up to Records.
func (c *Count) Superseded(ballot uint32) bool { return c.superseded.has(ballot) }

// Add takes the next entry. It fails with ErrMalformed, ErrChain or ErrEnded; then the
// log is wrong, and nothing more should be added.
func (c *Count) Add(entry []byte) error {
	at := c.Size()
	if c.Closing != nil {
		return fmt.Errorf("%w: entry %d stands behind the closing entry, after which there is nothing", ErrEnded, at)
	}
	if !c.begun {
		d, err := ParseDefinitionEntry(entry)
		if err != nil {
			return fmt.Errorf("entry 0: %w", err)
		}
		c.Definition, c.begun, c.current = d, true, map[[16]byte]uint32{}
		c.superseded.Grow(0)
		return nil
	}
	if IsClosing(entry) {
		return c.close(entry)
	}
	b, err := ParseBallotEntry(entry)
	if err != nil {
		return fmt.Errorf("entry %d: %w", at, err)
	}
	return c.ballot(uint32(at), b)
}

func (c *Count) ballot(number uint32, b BallotEntry) error {
	switch current := c.current[b.Key]; {
	case current == b.Supersedes:
	case current == 0:
		return fmt.Errorf("%w: ballot %d replaces ballot %d, which is not one of the same voter", ErrChain, number, b.Supersedes)
	case b.Supersedes == 0:
		return fmt.Errorf("%w: ballot %d is a second one of the voter of ballot %d, and replaces none", ErrChain, number, current)
	default:
		return fmt.Errorf("%w: ballot %d replaces ballot %d, and the voter's current one was ballot %d", ErrChain, number, b.Supersedes, current)
	}
	c.Records = number
	c.superseded.Grow(number)
	if b.Supersedes == 0 {
		c.Voters++
	} else {
		c.superseded.Set(b.Supersedes)
	}
	c.current[b.Key] = number
	return nil
}

func (c *Count) close(entry []byte) error {
	closing, err := ParseClosingEntry(entry)
	if err != nil {
		return err
	}
	if closing.Records != c.Records || closing.Voters != c.Voters {
		return fmt.Errorf("%w: it names %d ballots of %d voters, and the log has %d of %d", ErrEnded, closing.Records, closing.Voters, c.Records, c.Voters)
	}
	root, err := c.superseded.Root()
	if err != nil {
		return err
	}
	if root != closing.Superseded {
		return fmt.Errorf("%w: it names other ballots as replaced than those that were", ErrEnded)
	}
	c.Closing = &closing
	return nil
}
