package api

import (
	"net/http"
	"net/url"

	"voted/internal/ballotjson"
)

// voterID returns the voter that the path names, in the form of the id that keys,
// receipts and exports use.
func voterID(r *http.Request) (string, error) {
	return voterOf(pathVar(r, "voter"))
}

// pollAndVoter returns the poll and the voter that the path of a ballot names.
func pollAndVoter(r *http.Request) (id, voter string, err error) {
	if id, err = pollID(r); err != nil {
		return "", "", err
	}
	voter, err = voterID(r)
	return id, voter, err
}

func voterOf(escaped string) (string, error) {
	voter, err := url.PathUnescape(escaped)
	if err != nil {
		return "", malformed("The voter in the path must be percent-encoded: two hexadecimal digits after each %%.")
	}
	return ballotjson.Voter(voter)
}

// ballotPath is the path of a voter's ballot, written as in receipts.
func ballotPath(id, voter string) string {
	return "/v1/polls/" + id + "/ballots/" + url.PathEscape(voter)
}
