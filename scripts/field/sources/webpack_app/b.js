import z from 'nothing'; import './c.css'; export default z;
