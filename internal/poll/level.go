package poll

// FirstLevel is the format level of every cluster until it is raised.
const FirstLevel = 1

// Raise is the command that lets formats of a level be used from here on. It never
// goes back: what stands in the log and in snapshots stays there.
type Raise struct{ Level uint32 }

func (c Raise) apply(s *State) Result {
	if c.Level > s.level {
		s.level = c.Level
		s.event(eventRaised, "", []byte{byte(c.Level >> 24), byte(c.Level >> 16), byte(c.Level >> 8), byte(c.Level)})
	}
	return Result{Index: s.index}
}

// Level returns the format level up to which commands and snapshots may be used:
// every member said that it reads them before the cluster was raised to it.
func (s *State) Level() uint32 { return s.level }

// Level returns the state's format level at the view's index.
func (v *View) Level() uint32 { return v.level }
