package textfile

// near reports whether one title is probably the other one misspelt: one letter, or two
// of a longer title, are different, missing, extra or swapped. (Damerau, CACM 7(3),
// 1964: nearly all misspellings are one of these.)
func near(a, b string) bool {
	const short, long = 5, 8 // letters; in shorter titles one other letter makes another word
	x, y := []rune(a), []rune(b)
	if min(len(x), len(y)) < short-1 || max(len(x), len(y)) < short {
		return false
	}
	allowed := 1
	if min(len(x), len(y)) >= long {
		allowed = 2
	}
	return distance(x, y) <= allowed
}

// distance is the optimal string alignment distance.
func distance(x, y []rune) int {
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(x)][len(y)]
}
