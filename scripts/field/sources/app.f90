program shop
  integer, allocatable :: a(:)
  allocate(a(3))
  print *, 'starting'
  a = 1
  print '(3i4)', a
  write(0,*) 'warning: low stock'
  call price(a, 9)
contains
  subroutine price(a, n)
    integer, intent(in) :: a(:), n
    print *, a(n)
  end subroutine
end program
