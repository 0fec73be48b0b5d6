import './b'; const x = ;
