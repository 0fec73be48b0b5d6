*** Test Cases ***
Paid
    Log To Console    paying
    Should Be Equal    a    a
Broken
    Should Be Equal    a    b    not the same
Table
    Fail    two\nlines
