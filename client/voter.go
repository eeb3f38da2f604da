package client

import (
	"errors"

	"voted/internal/voterid"
)

// canonical returns the one form of a voter's id that the service keeps, or says why the
// service would refuse the id.
func canonical(voter string) (string, error) {
	if voterid.Plain(voter) {
		return voter, nil
	}
	id, err := voterid.Canonical(voter)
	if err == nil {
		return id, nil
	}
	var why *voterid.Error
	if errors.As(err, &why) {
		return "", refused(CodeInvalidVoter, "%s", why.Detail())
	}
	return "", refused(CodeInvalidVoter, "%v", err)
}
