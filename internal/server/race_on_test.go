//go:build race

package server

// raceDetector multiplies memory, so that measuring it says nothing.
const raceDetector = true
