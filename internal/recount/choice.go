package recount

import (
	"bytes"
	"fmt"

	"voted/internal/ballottext"
	"voted/internal/poll"
	"voted/proof"
)

// errNoBallot: by the rules of the poll nobody can choose this.
var errNoBallot = fmt.Errorf("%w: it is no ballot of this poll", proof.ErrMalformed)

// Chose reports whether canonical selections are this choice, in the notation of a cell of text:
// ann;bo for choices, bo>ann=cy for a ranking, ann=5;bo=0 for scores. It returns what they are in
// that notation too. It fails with proof.ErrMalformed for what is no ballot of the poll.
func Chose(rules *poll.Rules, selections []byte, choice string) (is bool, chosen string, err error) {
	m, err := rules.Marks(selections)
	if err != nil {
		return false, "", fmt.Errorf("%w: %w", errNoBallot, err)
	}
	chosen = ballottext.Write(rules.Form(), m)
	said, err := ballottext.Read(rules.Form(), choice)
	if err != nil {
		return false, chosen, fmt.Errorf("%w: %w", errNoBallot, err)
	}
	canonical, faults := rules.Encode(said)
	if len(faults) > 0 {
		return false, chosen, fmt.Errorf("%w: %s: %s", errNoBallot, faults[0].Field, faults[0].Detail)
	}
	return bytes.Equal(canonical, selections), chosen, nil
}
