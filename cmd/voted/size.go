package main

import (
	"fmt"
	"strconv"
	"strings"
)

// parseSize reads a number of bytes, or of KiB, MiB, GiB or TiB.
func parseSize(s string) (int64, error) {
	digits, shift := s, 0
	for i, unit := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if rest, ok := strings.CutSuffix(s, unit); ok {
			digits, shift = rest, 10*(i+1)
		}
	}
	n, err := strconv.ParseUint(strings.TrimSpace(digits), 10, 63)
	if err != nil || n<<shift>>shift != n || n<<shift > 1<<62 {
		return 0, fmt.Errorf("%q is no size; give a whole number of bytes, or one with KiB, MiB, GiB or TiB, such as 512MiB", s)
	}
	return int64(n << shift), nil
}
