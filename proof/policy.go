package proof

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Limits of a policy that is read.
const (
	MaxPolicyBytes = 256 << 10
	MaxPolicyNames = 256 // logs, witnesses and groups together
)

// noQuorum is the quorum of a policy that asks nobody.
const noQuorum = "none"

// Policy says whose signatures make a head good (c2sp.org/tlog-policy): one of a log, and
// those of a quorum of witnesses. In voted the members of the cluster are witnesses of
// their own log, and so is everybody else that the policy names.
//
// A policy must reach its user on another way than from the cluster that it is about.
type Policy struct {
	Logs      []PolicyLog
	Witnesses []PolicyWitness
	Groups    []PolicyGroup
	Quorum    string // name of a witness or group, or "none"

	// Before is a policy that this one follows and under which heads are good as well: those
	// that were signed before this one. Nil: there is none. Neither ParsePolicy nor Next sets
	// it, so whoever does takes the older keys' word.
	Before *Policy

	// AllowNoQuorum lets Check take heads under a policy whose quorum is "none". Such a
	// head is the word of one key.
	AllowNoQuorum bool
}

// PolicyLog is a key that signs as the log. Its name is the origin.
type PolicyLog struct {
	Key Verifier
	URL string // may be empty
}

// PolicyWitness is a cosigner.
type PolicyWitness struct {
	Name string // within the policy
	Key  Verifier
	URL  string // may be empty
}

// PolicyGroup is signed if enough of its members are.
type PolicyGroup struct {
	Name    string
	Need    int      // 1 up to the number of members
	Members []string // names of witnesses and groups that stand before it
}

// ParsePolicy reads a policy. It fails with ErrMalformed and the number of the line.
func ParsePolicy(b []byte) (*Policy, error) {
	if len(b) > MaxPolicyBytes {
		return nil, fmt.Errorf("%w: a policy has at most %d bytes, and this one has %d", ErrMalformed, MaxPolicyBytes, len(b))
	}
	r := policyReader{policy: &Policy{}, defined: map[string]bool{}, member: map[string]bool{}}
	for i, line := range strings.Split(string(b), "\n") {
		if err := r.line(line); err != nil {
			return nil, fmt.Errorf("%w: line %d of the policy %w", ErrMalformed, i+1, err)
		}
	}
	if r.policy.Quorum == "" {
		return nil, fmt.Errorf("%w: the policy has no line that begins with quorum", ErrMalformed)
	}
	return r.policy, nil
}

// policyReader reads a policy line by line.
type policyReader struct {
	policy  *Policy
	defined map[string]bool // names of witnesses and groups
	member  map[string]bool // names that a group has
}

// line reads one line. Its errors go on after "line 7 of the policy".
func (r *policyReader) line(line string) error {
	for i := range len(line) {
		if c := line[i]; c < 0x20 && c != '\t' || c == 0x7f {
			return fmt.Errorf("has the control character 0x%02x; lines end in a newline alone", c)
		}
	}
	words := strings.FieldsFunc(line, func(c rune) bool { return c == ' ' || c == '\t' })
	if len(words) == 0 || strings.HasPrefix(words[0], "#") {
		return nil
	}
	if len(r.policy.Logs)+len(r.policy.Witnesses)+len(r.policy.Groups) > MaxPolicyNames {
		return fmt.Errorf("is one too many: at most %d logs, witnesses and groups are taken", MaxPolicyNames)
	}
	switch keyword, rest := words[0], words[1:]; keyword {
	case "log":
		return r.log(rest)
	case "witness":
		return r.witness(rest)
	case "group":
		return r.group(rest)
	case "quorum":
		return r.quorum(rest)
	default:
		return fmt.Errorf("begins with %.40q; it must be log, witness, group, quorum or #", keyword)
	}
}

func (r *policyReader) log(words []string) error {
	if len(words) < 1 || len(words) > 2 {
		return fmt.Errorf("must be: log KEY, and perhaps a URL")
	}
	key, err := r.key(words[0], LogSignature)
	if err != nil {
		return err
	}
	for _, l := range r.policy.Logs {
		if l.Key.public == key.public {
			return fmt.Errorf("names a key of a log that stands there already")
		}
	}
	r.policy.Logs = append(r.policy.Logs, PolicyLog{key, strings.Join(words[1:], "")})
	return nil
}

func (r *policyReader) witness(words []string) error {
	if len(words) < 2 || len(words) > 3 {
		return fmt.Errorf("must be: witness NAME KEY, and perhaps a URL")
	}
	if err := r.define(words[0]); err != nil {
		return err
	}
	key, err := r.key(words[1], Cosignature)
	if err != nil {
		return err
	}
	for _, w := range r.policy.Witnesses {
		if w.Key.public == key.public {
			return fmt.Errorf("names the key of the witness %s once more; one key counts once", w.Name)
		}
	}
	r.policy.Witnesses = append(r.policy.Witnesses, PolicyWitness{words[0], key, strings.Join(words[2:], "")})
	return nil
}

// key reads a key that must be of one kind.
func (r *policyReader) key(text string, kind Algorithm) (Verifier, error) {
	key, fault := parseVerifier(text)
	if fault != "" {
		return Verifier{}, fmt.Errorf("has a key that %s; a key is NAME+ID+BASE64", fault)
	}
	if key.kind != kind {
		return Verifier{}, fmt.Errorf("has a key of type 0x%02x; it must be 0x%02x here", byte(key.kind), byte(kind))
	}
	for _, other := range r.policy.keys() {
		if other.name == key.name && other.id == key.id {
			return Verifier{}, fmt.Errorf("has a key with the name and id of another one, so that nobody could tell their signatures apart")
		}
	}
	return key, nil
}

// define takes a name for a witness or group.
func (r *policyReader) define(name string) error {
	if name == noQuorum {
		return fmt.Errorf("uses the name %q, which means that nobody has to sign", noQuorum)
	}
	if r.defined[name] {
		return fmt.Errorf("uses the name %.80q once more", name)
	}
	r.defined[name] = true
	return nil
}

func (r *policyReader) group(words []string) error {
	if len(words) < 3 {
		return fmt.Errorf("must be: group NAME any|all|NUMBER MEMBER…")
	}
	name, members := words[0], words[2:]
	for _, m := range members {
		switch {
		case !r.defined[m]:
			return fmt.Errorf("names %.80q, which no line before it defines", m)
		case r.member[m]:
			return fmt.Errorf("names %.80q, which is in a group already", m)
		}
		r.member[m] = true
	}
	if err := r.define(name); err != nil {
		return err
	}
	need := 0
	switch words[1] {
	case "any":
		need = 1
	case "all":
		need = len(members)
	default:
		n, err := strconv.ParseUint(words[1], 10, 31)
		if err != nil || n < 1 || n > uint64(len(members)) {
			return fmt.Errorf("asks for %.40q of %d members; it must be any, all, or a number from 1 to %d", words[1], len(members), len(members))
		}
		need = int(n)
	}
	r.policy.Groups = append(r.policy.Groups, PolicyGroup{name, need, members})
	return nil
}

func (r *policyReader) quorum(words []string) error {
	switch {
	case len(words) != 1:
		return fmt.Errorf("must be: quorum NAME")
	case r.policy.Quorum != "":
		return fmt.Errorf("is a second quorum; there must be one")
	case words[0] != noQuorum && !r.defined[words[0]]:
		return fmt.Errorf("names %.80q, which no line before it defines", words[0])
	}
	r.policy.Quorum = words[0]
	return nil
}

// String returns the policy as a file.
func (p *Policy) String() string {
	var b strings.Builder
	line := func(words ...string) {
		b.WriteString(strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), " ") + "\n")
	}
	for _, l := range p.Logs {
		line("log", l.Key.String(), l.URL)
	}
	for _, w := range p.Witnesses {
		line("witness", w.Name, w.Key.String(), w.URL)
	}
	for _, g := range p.Groups {
		line("group", g.Name, strconv.Itoa(g.Need), strings.Join(g.Members, " "))
	}
	line("quorum", p.Quorum)
	return b.String()
}

// keys returns all keys of the policy, those of logs first.
func (p *Policy) keys() []Verifier {
	keys := make([]Verifier, 0, len(p.Logs)+len(p.Witnesses))
	for _, l := range p.Logs {
		keys = append(keys, l.Key)
	}
	for _, w := range p.Witnesses {
		keys = append(keys, w.Key)
	}
	return keys
}

// Head is a checkpoint with the signatures of it that were checked.
type Head struct {
	Checkpoint
	Logs     []string   // names of keys that signed as the log
	Cosigned []Cosigned // in the order of the policy
	Under    *Policy    // by which these were checked; nil if none was looked at
}

// Cosigned is a cosignature that is good.
type Cosigned struct {
	Witness string // its name within the policy
	Key     Verifier
	At      uint64 // seconds since the Unix epoch, as the cosigner says
}

// At returns the latest time that a cosigner states, in seconds since the Unix epoch; 0
// without cosigners.
func (h Head) At() uint64 {
	if len(h.Cosigned) == 0 {
		return 0
	}
	return slices.MaxFunc(h.Cosigned, func(a, b Cosigned) int { return cmp.Compare(a.At, b.At) }).At
}

// met reports whether these cosignatures are a quorum.
func (p *Policy) met(good []Cosigned) bool {
	signed := make(map[string]bool, len(good))
	for _, c := range good {
		signed[c.Witness] = true
	}
	for _, g := range p.Groups { // each after its members
		n := 0
		for _, m := range g.Members {
			if signed[m] {
				n++
			}
		}
		signed[g.Name] = n >= g.Need
	}
	return p.Quorum == noQuorum || signed[p.Quorum]
}

// describe says in words what a witness or group asks for: "2 of (n1, n2, n3)".
func (p *Policy) describe(name string) string {
	i := slices.IndexFunc(p.Groups, func(g PolicyGroup) bool { return g.Name == name })
	if i < 0 {
		return name
	}
	var members []string
	for _, m := range p.Groups[i].Members {
		members = append(members, p.describe(m))
	}
	return fmt.Sprintf("%d of (%s)", p.Groups[i].Need, strings.Join(members, ", "))
}

func (p *Policy) origins() string {
	var origins []string
	for _, l := range p.Logs {
		if !slices.Contains(origins, l.Key.name) {
			origins = append(origins, l.Key.name)
		}
	}
	if origins == nil {
		return "no log"
	}
	return strings.Join(origins, ", ")
}

func names(good []Cosigned) string {
	if len(good) == 0 {
		return "nobody"
	}
	var list []string
	for _, c := range good {
		list = append(list, c.Witness)
	}
	return strings.Join(list, ", ")
}
