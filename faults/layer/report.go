package layer

// Report is what one layer did, as faults.json holds it.
type Report struct {
	Layer   string  `json:"layer"`
	Title   string  `json:"title"`
	Seed    uint64  `json:"seed"`
	Seconds float64 `json:"seconds"`
	// Faults are those that were made, by kind.
	Faults map[string]int `json:"faults"`
	Floors []Reached      `json:"floors"`
	// Acknowledged ballots (or entries, where a layer works on the store alone); of
	// them, how many were lost, and how many voters counted more than once.
	Acknowledged  uint64 `json:"acknowledged"`
	Lost          uint64 `json:"lost"`
	DoubleCounted uint64 `json:"double_counted"`
	Inputs        uint64 `json:"inputs"` // hostile ones that were tried
	// Figures are what was measured on the way, with the unit in the name.
	Figures    map[string]float64 `json:"figures,omitempty"`
	Controls   []Control          `json:"negative_controls"`
	Skipped    []Skipped          `json:"skipped,omitempty"`
	Violations []string           `json:"violations,omitempty"`
	// ViolationCount counts those beyond the ones that are kept, too.
	ViolationCount int    `json:"violation_count"`
	Error          string `json:"error,omitempty"` // the tool failed, or was interrupted
}

// Reached is a floor and how far the run came.
type Reached struct {
	Kind    string `json:"kind"`
	Floor   int    `json:"floor"`
	Reached int    `json:"reached"`
}

// Control is a negative control: a product made worse on purpose.
type Control struct {
	Name   string `json:"name"`
	Caught bool   `json:"caught"`
	How    string `json:"how,omitempty"`
}

// Skipped is what could not be done, and why.
type Skipped struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// Violated tells whether an oracle was contradicted, or a negative control passed.
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

// Below tells whether a floor was not reached.
func (r *Report) Below() bool {
	for _, f := range r.Floors {
		if f.Reached < f.Floor {
			return true
		}
	}
	return false
}
