package poll

import "encoding/binary"

// FirstLevel is the format level of every cluster until it is raised.
const FirstLevel = 1

// Raise is the command that allows formats of a level from here on. It never goes back,
// since the log and the snapshots keep what they hold.
type Raise struct{ Level uint32 }

func (c Raise) apply(s *State) Result {
	if c.Level > s.level {
		s.level = c.Level
		s.fold(foldRaised, "", binary.BigEndian.AppendUint32(nil, c.Level))
	}
	return Result{Index: s.index}
}

// Level returns the highest level of the formats that commands and snapshots may use.
// Every member reported that it reads them before the cluster was raised to it.
func (s *State) Level() uint32 { return s.level }
