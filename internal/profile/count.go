package profile

import (
	"errors"
	"fmt"
	"strconv"
)

// ParseCount reads how often a ballot occurs: a whole number from 1 to MaxBallots.
func ParseCount(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange), n > MaxBallots:
		return 0, fmt.Errorf("%.32q is more ballots than can be counted; the most is %d", text, int64(MaxBallots))
	case err != nil:
		return 0, fmt.Errorf("%.32q is no count of ballots, which is a whole number from 1 on", text)
	case n < 1:
		return 0, fmt.Errorf("a ballot cannot occur %d times; write a whole number from 1 on, or take the line out", n)
	}
	return n, nil
}
