package ballotjson

import (
	"errors"

	"voted/internal/poll"
	"voted/internal/refusal"
	"voted/internal/voterid"
)

// The core has room for every id that is taken, and no more: this does not compile
// otherwise.
var _ = [1]struct{}{}[poll.MaxVoterBytes-voterid.MaxBytes]

// Voter returns the one form of a voter's id that keys, receipts and exports have. Its
// error is a *refusal.Error that names the place of the fault in the id.
func Voter(id string) (string, error) {
	canonical, err := voterid.Canonical(id)
	if err == nil {
		return canonical, nil
	}
	refused := &refusal.Error{Code: refusal.InvalidVoter, Detail: "This is not the id of a voter."}
	var why *voterid.Error
	if errors.As(err, &why) {
		refused.Detail = why.Detail()
	}
	return "", refused
}
