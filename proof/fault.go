package proof

import "errors"

// Why a check fails. Each error of this package wraps one of them.
var (
	// ErrMalformed: the text does not have the form of what it should be.
	ErrMalformed = errors.New("not in the right form")
	// ErrMissing: what was asked for, or is needed to check it, is not there.
	ErrMissing = errors.New("something is missing")
	// ErrNotInTree: an entry is not what the log has at its number.
	ErrNotInTree = errors.New("this entry is not in the log")
	// ErrInconsistent: a log is not another one that has grown.
	ErrInconsistent = errors.New("the newer log does not continue the older one")
	// ErrSignature: a key that is trusted did not make the signature that bears its name.
	ErrSignature = errors.New("a signature is false")
	// ErrUnsigned: no log of the policy signed the checkpoint.
	ErrUnsigned = errors.New("no key of this log signed it")
	// ErrQuorum: too few cosigners of the policy signed the checkpoint.
	ErrQuorum = errors.New("too few of those who must sign did")
	// ErrNoQuorum: the policy asks for no cosignature, which proves nothing here.
	ErrNoQuorum = errors.New("the policy asks nobody to sign")
	// ErrOrigin: a proof is of another poll, cluster or lineage.
	ErrOrigin = errors.New("this is of another log")
	// ErrVoter: the voter key of an entry does not belong to the voter that is named.
	ErrVoter = errors.New("the entry belongs to another voter")
	// ErrSeal: an opening does not fit the seal in the log.
	ErrSeal = errors.New("the seal does not open to this")
	// ErrSuperseded: the ballot was replaced by a later one.
	ErrSuperseded = errors.New("the ballot was replaced")
	// ErrEnded: something follows the entry that closes a log, or the numbers in it are
	// others than the log's.
	ErrEnded = errors.New("the log does not end as its closing entry says")
	// ErrChain: the ballots of a voter do not follow one another.
	ErrChain = errors.New("the ballots of a voter do not follow one another")
)
