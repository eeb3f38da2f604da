package closedloop

import "time"

const (
	// answerBytes is room for the headers and the body of one single answer.
	answerBytes = 8 << 10
	// graceTime is how long the answers of requests under way at the end of a
	// window are waited for: longer than a node holds a request.
	graceTime = 15 * time.Second
	// longest bounds a load that ends by its requests.
	longest = 6 * time.Hour
	// dialTimeout bounds one connection to loopback.
	dialTimeout = 5 * time.Second
	// digits is the width of a voter's number: fixed, so that it can be written
	// into a request that is made already.
	digits = 10
	// linesPerWrite is how many bulk lines are handed to the network at once.
	linesPerWrite = 1024
	// bulkReadBytes is how much of a bulk answer is looked at together.
	bulkReadBytes = 64 << 10
	// votersPerConnection keeps the numbers of the connections apart.
	votersPerConnection = 1_000_000
	// maxConnections leaves every connection its range of the numbers.
	maxConnections = 9_999
)
