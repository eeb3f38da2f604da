package verify

import (
	"errors"
	"fmt"
	"slices"

	"voted/proof"
)

// NextPolicy checks that a policy follows another one: that as many of the older one's keys
// signed it as that asks for.
func NextPolicy(old *proof.Policy, file []byte) *Verdict {
	p, err := old.Next(file)
	switch {
	case errors.Is(err, proof.ErrMalformed):
		return refuse(Undecided, "This is no policy that somebody signed: %s.", detailOf(err))
	case errors.Is(err, proof.ErrQuorum):
		return refuse(Wrong, "This policy does not follow the older one: %s.", detailOf(err))
	case err != nil:
		return because(err)
	}
	n, err := proof.ParseNote(file)
	if err != nil {
		return because(err)
	}
	var signed []string
	for _, w := range old.Witnesses {
		if good, err := n.Verify(w.Key); err == nil && len(good) > 0 {
			signed = append(signed, w.Name)
		}
	}
	v := &Verdict{Outcome: Right, SignedBy: signed}
	v.Sentences = []string{fmt.Sprintf("This policy follows the older one: %s signed it.", and(signed))}
	if came, went := without(p, old), without(old, p); came == nil && went == nil {
		v.Sentences = append(v.Sentences, "It names the same keys of signers.")
	} else {
		v.Sentences = append(v.Sentences, "Keys that it adds: "+orNone(came)+". Keys that it no longer takes: "+orNone(went)+".")
	}
	return v
}

// without returns the signers of one policy whose keys another one does not have.
func without(p, other *proof.Policy) (names []string) {
	for _, w := range p.Witnesses {
		if !slices.ContainsFunc(other.Witnesses, func(x proof.PolicyWitness) bool { return x.Key == w.Key }) {
			names = append(names, w.Name)
		}
	}
	return names
}

func orNone(names []string) string {
	if names == nil {
		return "none"
	}
	return and(names)
}
