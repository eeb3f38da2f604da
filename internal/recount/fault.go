package recount

import "errors"

// Why a count is not what was signed. Each error of this package that is about the count wraps
// one of these, or an Err value of package proof.
var (
	// ErrDefinition: the definition is not the one that the log begins or ends with.
	ErrDefinition = errors.New("this is not the definition of the poll")
	// ErrProfile: the choices are not those that the poll closed with.
	ErrProfile = errors.New("these are not the choices that the poll closed with")
	// ErrShort: the file ends before the log does.
	ErrShort = errors.New("the file does not have all of the log")
	// ErrRoll: somebody voted who is not on the roll, or the roll is another one.
	ErrRoll = errors.New("this is not the roll")
	// ErrWeight: a ballot counts as often as the roll does not say.
	ErrWeight = errors.New("this is not the weight of the voter")
	// ErrResult: the ballots do not come to this result.
	ErrResult = errors.New("the ballots do not come to this result")
	// ErrLot: a lot decides, and it is not known.
	ErrLot = errors.New("a lot decides this poll")
	// ErrUnfinished: the result is of a poll that was open.
	ErrUnfinished = errors.New("this result is not the final one")
)
