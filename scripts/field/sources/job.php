<?php
echo "job starts\n"; usleep(20000); trigger_error("old way", E_USER_DEPRECATED); echo "step 1\n"; error_log("by hand\nof two lines"); usleep(20000);
var_dump(['id' => 7, 'lines' => ['pen', 'ink']]); print_r((object)['a' => 1, 'b' => ['c' => null]]); usleep(20000);
function total($l) { throw new DomainException("no total", 3, new InvalidArgumentException("no lines")); }
try { total([]); } catch (Exception $e) { echo "failed: ", $e, "\n"; echo "going on\n"; }
usleep(20000); echo json_encode(['a' => [1, 2]], JSON_PRETTY_PRINT), "\n"; intdiv(1, 0);
