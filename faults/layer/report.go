package layer

// Report is what one layer did, as faults.json holds it.
type Report struct {
	Layer   string  `json:"layer"`
	Title   string  `json:"title"`
	Seed    uint64  `json:"seed"`
	Seconds float64 `json:"seconds"`
	// Faults is how many were made, by kind.
	Faults map[string]int `json:"faults"`
	Floors []Reached      `json:"floors"`
	// Acknowledged is how many ballots were acknowledged (or entries, if the layer works
	// on the store alone), Lost how many of them are gone, and DoubleCounted how many
	// voters were counted more than once.
	Acknowledged  uint64 `json:"acknowledged"`
	Lost          uint64 `json:"lost"`
	DoubleCounted uint64 `json:"double_counted"`
	Inputs        uint64 `json:"inputs"` // hostile inputs that were sent
	// Figures are what was measured on the way, with the unit in the name.
	Figures    map[string]float64 `json:"figures,omitempty"`
	Controls   []Control          `json:"negative_controls"`
	Skipped    []Skipped          `json:"skipped,omitempty"`
	Violations []string           `json:"violations,omitempty"`
	// ViolationCount counts all violations; Violations holds the first of them.
	ViolationCount int    `json:"violation_count"`
	Error          string `json:"error,omitempty"` // the tool failed, or was interrupted
}

// Reached is a floor, and how many faults the run made.
type Reached struct {
	Kind    string `json:"kind"`
	Floor   int    `json:"floor"`
	Reached int    `json:"reached"`
}

// Control is a negative control: a bug that was planted, and whether the layer found it.
type Control struct {
	Name   string `json:"name"`
	Caught bool   `json:"caught"`
	How    string `json:"how,omitempty"`
}

// Skipped is what the run could not do, and why.
type Skipped struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// Violated reports whether an oracle was contradicted, or a negative control was not caught.
func (r *Report) Violated() bool {
	if r.ViolationCount > 0 {
		return true
	}
	for _, c := range r.Controls {
		if !c.Caught {
			return true
		}
	}
	return false
}

// Below reports whether a floor was not reached.
func (r *Report) Below() bool {
	for _, f := range r.Floors {
		if f.Reached < f.Floor {
			return true
		}
	}
	return false
}
