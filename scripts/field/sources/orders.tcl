proc total {order} { return [dict get $order total] }
proc charge {order} { expr {[total $order] * 2} }
puts stderr "start"
after 10
if {[catch {charge {id 7}} message options]} { puts stderr [dict get $options -errorinfo] }
puts stderr "next"
after 10
puts stderr "order 8"
charge {id 8}
