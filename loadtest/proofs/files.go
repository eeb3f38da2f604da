package proofs

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"voted/proof"
)

// Dir is the folder of the proofs in the output directory.
const Dir = "proofs"

// The folders in it.
const (
	during     = "during"
	after      = "after"
	policies   = "policies"
	sampleFile = "sample.json"
	suffix     = ".tlog-proof"
)

// Ballot is a ballot of the sample.
type Ballot struct {
	Poll  string `json:"poll"`
	Voter string `json:"voter"`
	// First is the number in the poll's box with which this voter was acknowledged first, Last
	// the largest one: that of the replacement, if there was one.
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
	// Unsure: a request of this voter had no answer, so that a later ballot may be in the box.
	Unsure bool `json:"unsure,omitempty"`
	// Late is how many milliseconds after the answer the proof was there, during the load; 0 if
	// it did not come, and then Missed says why.
	Late   float64 `json:"late_ms,omitempty"`
	Missed string  `json:"missed,omitempty"`
	// Refused says why there is no proof after the load.
	Refused string `json:"refused,omitempty"`
}

// file is where a proof of the ballot is kept.
func (b *Ballot) file(dir, when string) string {
	return filepath.Join(dir, Dir, when, b.Poll, b.Voter+suffix)
}

// keep writes a file, and makes its folder.
func keep(path string, text []byte) error {
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, text, 0o644)
	}
	if err != nil {
		return fmt.Errorf("a proof cannot be kept: %w", err)
	}
	return nil
}

func policyFile(dir, poll string) string {
	return filepath.Join(dir, Dir, policies, poll+".policy")
}

func saveSample(dir string, all []Ballot) error {
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return keep(filepath.Join(dir, Dir, sampleFile), append(text, '\n'))
}

// loadSample reads the sample. The error matches os.ErrNotExist where the run took no proofs.
func loadSample(dir string) (all []Ballot, err error) {
	path := filepath.Join(dir, Dir, sampleFile)
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		return nil, fmt.Errorf("the sample of proofs cannot be read: %w", err)
	}
	return all, nil
}

func loadPolicy(dir, poll string) (*proof.Policy, error) {
	path := policyFile(dir, poll)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("a policy cannot be read: %w", err)
	}
	p, err := proof.ParsePolicy(text)
	if err != nil {
		return nil, fmt.Errorf("%s is no policy: %w", path, err)
	}
	return p, nil
}
