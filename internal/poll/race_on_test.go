//go:build race

package poll

// raceEnabled makes long tests shorter: the detector slows them tenfold.
const raceEnabled = true
