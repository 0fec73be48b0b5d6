Feature: Orders
  Scenario: paid
    Given an order of 3
    When it is paid
    Then it is shipped

  Scenario: broken
    Given an order of 0
    When it is paid
    Then it is shipped
