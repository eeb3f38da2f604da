package proofkey

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"voted/internal/pki"
	"voted/proof"
)

// PolicyOf describes the policy of one log: whose signatures make its heads count.
type PolicyOf struct {
	Log proof.Origin
	// Keys are those of all voting members. A member may stand there several times, with the
	// keys of before and after a change: one of them is then as good as the other.
	Keys []pki.ProofKeys
	// Quorum is how many members must sign; 0: a majority.
	Quorum int
	// Witnesses are strangers that must all have signed too.
	Witnesses []proof.PolicyWitness
}

// Policy returns the policy (c2sp.org/tlog-policy). It fails where the members could sign two
// heads that exclude each other, and where a name or a key stands twice.
func (p PolicyOf) Policy() (*proof.Policy, error) {
	members, err := p.members()
	if err != nil {
		return nil, err
	}
	majority := len(members)/2 + 1
	quorum := cmp.Or(p.Quorum, majority)
	if quorum < majority || quorum > len(members) {
		return nil, fmt.Errorf("a quorum of %d among %d members cannot be: fewer than %d could sign two logs that exclude each other; leave it out for a majority", quorum, len(members), majority)
	}
	policy := &proof.Policy{}
	var names []string
	for _, keys := range members {
		if err := p.add(policy, keys); err != nil {
			return nil, err
		}
		names = append(names, keys[0].Member)
	}
	all := free("members", names, p.Witnesses)
	policy.Groups = append(policy.Groups, proof.PolicyGroup{Name: all, Need: quorum, Members: names})
	policy.Quorum = all
	if len(p.Witnesses) > 0 {
		both := []string{all}
		for _, w := range p.Witnesses {
			policy.Witnesses = append(policy.Witnesses, w)
			both = append(both, w.Name)
		}
		policy.Quorum = free("everybody", append(names, all), p.Witnesses)
		policy.Groups = append(policy.Groups, proof.PolicyGroup{Name: policy.Quorum, Need: len(both), Members: both})
	}
	checked, err := proof.ParsePolicy([]byte(policy.String()))
	if err != nil {
		return nil, fmt.Errorf("these keys make no policy: %w", err)
	}
	return checked, nil
}

// add adds the keys of one member. Of several, any one is enough.
func (p PolicyOf) add(policy *proof.Policy, keys []pki.ProofKeys) error {
	var names []string
	for i, k := range keys {
		name := k.Member
		if len(keys) > 1 {
			name += "." + strconv.Itoa(i+1)
		}
		log, err := proof.NewVerifier(p.Log.String(), proof.LogSignature, k.Log)
		if err != nil {
			return err
		}
		cosigner, err := proof.NewVerifier(proof.CosignerName(p.Log.Log, k.Member), proof.Cosignature, k.Cosigner)
		if err != nil {
			return err
		}
		policy.Logs = append(policy.Logs, proof.PolicyLog{Key: log})
		policy.Witnesses = append(policy.Witnesses, proof.PolicyWitness{Name: name, Key: cosigner})
		names = append(names, name)
	}
	if len(names) > 1 {
		policy.Groups = append(policy.Groups, proof.PolicyGroup{Name: keys[0].Member, Need: 1, Members: names})
	}
	return nil
}

// members returns the keys by member, in the order of their ids.
func (p PolicyOf) members() (by [][]pki.ProofKeys, err error) {
	if len(p.Keys) == 0 {
		return nil, errors.New("a policy needs the keys of the members; without any it would prove nothing")
	}
	keys := slices.Clone(p.Keys)
	slices.SortStableFunc(keys, func(a, b pki.ProofKeys) int { return cmp.Compare(a.Member, b.Member) })
	for at, k := range keys {
		if at > 0 && keys[at-1].Member == k.Member {
			by[len(by)-1] = append(by[len(by)-1], k)
			continue
		}
		by = append(by, []pki.ProofKeys{k})
	}
	return by, nil
}

// free returns a name for a group that nobody has.
func free(name string, names []string, witnesses []proof.PolicyWitness) string {
	for slices.Contains(names, name) || slices.ContainsFunc(witnesses, func(w proof.PolicyWitness) bool { return w.Name == name }) {
		name = "all-" + name
	}
	return name
}
