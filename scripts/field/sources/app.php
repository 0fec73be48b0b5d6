<?php
ini_set('display_errors', 'stderr'); ini_set('html_errors', '0');
function price($o) { return intdiv(10, $o['n']); }
fwrite(STDERR, "start\n"); fwrite(STDERR, "order 1\n");
usleep(12000);
echo $nothing;
usleep(3000);
try { price(['n' => 0]); } catch (Error $e) { error_log((string) $e); }
usleep(8000);
error_log("two\nlines");
fwrite(STDERR, print_r(['id' => 7, 'lines' => [['sku' => 'pen', 'n' => 2]]], true));
usleep(4000);
fwrite(STDERR, "next\n");
usleep(4000);
try { price(['n' => 0]); } catch (Error $e) { throw new RuntimeException("no price", 3, $e); }
