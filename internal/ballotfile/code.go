package ballotfile

import (
	"errors"

	"voted/internal/refusal"
	"voted/internal/textfile"
	"voted/internal/voterid"
)

// CodeOf returns the code with which the API refuses a line of ballots or of a roll
// with this fault.
func CodeOf(f *textfile.Fault) refusal.Code {
	var refused *refusal.Error
	var noVoter *voterid.Error
	switch {
	case f.TooLong:
		return refusal.PayloadTooLarge
	case errors.As(f.Cause, &refused):
		return refused.Code
	case errors.As(f.Cause, &noVoter):
		return refusal.InvalidVoter
	}
	return refusal.MalformedRequest
}
